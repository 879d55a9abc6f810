// FISTA (Beck and Teboulle, 2009): a proximal step from a point ahead of the parameters,
// z ← p + (t − 1) / t' · (p − p_before) with t' = (1 + √(1 + 4t²)) / 2.
#pragma once

#include <cmath>
#include <vector>

#include "engine/descent/optimizer.hpp"

namespace gdfast {

template <class T>
class Fista final : public Optimizer<T> {
 public:
  Fista(const OptimizerOptions& options, std::int64_t size, const T* parameters)
      : rate_(static_cast<T>(options.learning_rate)), ahead_(parameters, parameters + size), before_(ahead_) {}

  const T* point(const T* /*parameters*/) const override { return ahead_.data(); }

  void step(const T* grad, T* parameters) override {
    for (std::size_t j = 0; j < ahead_.size(); ++j) {
      before_[j] = parameters[j];
      parameters[j] = ahead_[j] - rate_ * grad[j];
    }
  }

  void stepped(const T* parameters) override {
    const double next = (1 + std::sqrt(1 + 4 * t_ * t_)) / 2;
    const auto push = static_cast<T>((t_ - 1) / next);
    for (std::size_t j = 0; j < ahead_.size(); ++j) ahead_[j] = parameters[j] + push * (parameters[j] - before_[j]);
    t_ = next;
  }

 private:
  T rate_;
  double t_ = 1;
  std::vector<T> ahead_, before_;
};

}  // namespace gdfast
