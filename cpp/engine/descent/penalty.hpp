// l2·‖w‖² + l1·‖w‖₁ on the first d parameters: what is smooth goes into the gradient, the rest into a proximal step.
#pragma once

#include <cmath>
#include <cstdint>

namespace gdfast {

struct Penalty {
  double l2 = 0, l1 = 0;

  template <class T>
  double value(const T* w, std::int64_t d) const {
    if (l2 == 0 && l1 == 0) return 0;
    double squares = 0, sizes = 0;
    for (std::int64_t j = 0; j < d; ++j) {
      const auto wide = static_cast<double>(w[j]);
      squares += wide * wide;
      sizes += std::fabs(wide);
    }
    return l2 * squares + l1 * sizes;
  }

  template <class T>
  void add_gradient(const T* w, std::int64_t d, T* grad) const {
    if (l2 == 0) return;
    const auto twice = static_cast<T>(2 * l2);
    for (std::int64_t j = 0; j < d; ++j) grad[j] += twice * w[j];
  }

  // The proximal step of l1·‖w‖₁ (soft threshold). NaN stays NaN.
  template <class T>
  void shrink(T* w, std::int64_t d, double learning_rate) const {
    if (l1 == 0) return;
    const auto threshold = static_cast<T>(learning_rate * l1);
    for (std::int64_t j = 0; j < d; ++j) {
      const T size = std::fabs(w[j]) - threshold;
      w[j] = size <= 0 ? T(0) : std::copysign(size, w[j]);
    }
  }
};

}  // namespace gdfast
