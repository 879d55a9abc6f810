// Gradient descent: p ← p − η·g.
#pragma once

#include "engine/descent/optimizer.hpp"

namespace gdfast {

template <class T>
class GradientDescent final : public Optimizer<T> {
 public:
  GradientDescent(const OptimizerOptions& options, std::int64_t size, const T* /*parameters*/)
      : rate_(static_cast<T>(options.learning_rate)), size_(size) {}

  void step(const T* grad, T* parameters) override {
    for (std::int64_t j = 0; j < size_; ++j) parameters[j] -= rate_ * grad[j];
  }

 private:
  T rate_;
  std::int64_t size_;
};

}  // namespace gdfast
