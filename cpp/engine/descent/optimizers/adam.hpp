// Adam (Kingma and Ba, 2015): steps by the running mean of the gradient over the root of that of its square, each freed
// from the bias of its start at zero.
#pragma once

#include <cmath>
#include <vector>

#include "engine/descent/optimizer.hpp"

namespace gdfast {

template <class T>
class Adam final : public Optimizer<T> {
 public:
  Adam(const OptimizerOptions& options, std::int64_t size, const T* /*parameters*/)
      : options_(options), mean_(static_cast<std::size_t>(size), T(0)), square_(mean_) {}

  void step(const T* grad, T* parameters) override {
    power1_ *= options_.beta1;
    power2_ *= options_.beta2;
    const auto rate = static_cast<T>(options_.learning_rate / (1 - power1_));
    const auto root = static_cast<T>(std::sqrt(1 - power2_));
    const auto fresh1 = static_cast<T>(1 - options_.beta1), fresh2 = static_cast<T>(1 - options_.beta2);
    const auto kept2 = static_cast<T>(options_.beta2), eps = static_cast<T>(options_.eps);
    for (std::size_t j = 0; j < mean_.size(); ++j) {
      mean_[j] += fresh1 * (grad[j] - mean_[j]);
      square_[j] = kept2 * square_[j] + fresh2 * grad[j] * grad[j];
      parameters[j] -= rate * (mean_[j] / (std::sqrt(square_[j]) / root + eps));
    }
  }

 private:
  OptimizerOptions options_;
  double power1_ = 1, power2_ = 1;  // β₁ᵗ, β₂ᵗ
  std::vector<T> mean_, square_;
};

}  // namespace gdfast
