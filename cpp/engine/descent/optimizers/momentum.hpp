// Momentum, and Nesterov's: u ← m·u + g, then p ← p − η·u, or p ← p − η·(g + m·u); torch.optim.SGD with dampening 0.
#pragma once

#include <vector>

#include "engine/descent/optimizer.hpp"

namespace gdfast {

template <class T, bool Nesterov>
class Momentum final : public Optimizer<T> {
 public:
  Momentum(const OptimizerOptions& options, std::int64_t size, const T* /*parameters*/)
      : rate_(static_cast<T>(options.learning_rate)),
        momentum_(static_cast<T>(options.momentum)),
        velocity_(static_cast<std::size_t>(size), T(0)) {}

  void step(const T* grad, T* parameters) override {
    for (std::size_t j = 0; j < velocity_.size(); ++j) {
      velocity_[j] = momentum_ * velocity_[j] + grad[j];
      parameters[j] -= rate_ * (Nesterov ? grad[j] + momentum_ * velocity_[j] : velocity_[j]);
    }
  }

 private:
  T rate_, momentum_;
  std::vector<T> velocity_;
};

}  // namespace gdfast
