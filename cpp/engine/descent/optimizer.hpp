// How a gradient moves the parameters. An optimizer is one header in optimizers/ and its line in optimizers.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace gdfast {

struct OptimizerOptions {
  double learning_rate;
  double momentum;
  double beta1, beta2, eps;
};

// Over `size` parameters of type T. The formulas, and the order of their operations, are those of torch.optim, in T.
template <class T>
class Optimizer {
 public:
  Optimizer() = default;
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Where the next gradient is to be taken.
  virtual const T* point(const T* parameters) const { return parameters; }
  // The step along a gradient taken at `point`.
  virtual void step(const T* grad, T* parameters) = 0;
  // Called once the penalty had its say on the step.
  virtual void stepped(const T* parameters) { static_cast<void>(parameters); }
};

// Null if none has this name.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(std::string_view name, const OptimizerOptions& options, std::int64_t size,
                                             const T* parameters);

}  // namespace gdfast
