#include "moments_source.hpp"

#include <algorithm>

namespace gdfast {

MomentsSource::MomentsSource(const double* gram, std::int64_t d, Reduction reduction)
    : gram_(gram),
      size_(d + 2),
      scale_(reduction == Reduction::mean ? 1 / gram[d * size_ + d] : 1),
      v_(static_cast<std::size_t>(size_)),
      product_(static_cast<std::size_t>(size_)) {
  v_.back() = -1;
}

// Σ s·r² = vᵀGv, and its derivatives are 2·Gv. Near the optimum the sum cancels: what is left of it is rounding, which
// may lie below zero.
bool MomentsSource::evaluate(const double* w, double b, double* grad, Loss& loss) {
  const auto d = static_cast<std::size_t>(size_ - 2);
  if (d == 1) return evaluate_one_column(*w, b, *grad, loss);
  std::copy_n(w, d, v_.begin());
  v_[d] = b;
  multiply();
  double sum = 0;
  for (std::size_t j = 0; j < d + 2; ++j) sum += v_[j] * product_[j];
  for (std::size_t j = 0; j < d; ++j) grad[j] = 2 * scale_ * product_[j];
  loss.loss = sum < 0 ? 0 : scale_ * sum;
  loss.grad_b = 2 * scale_ * product_[d];
  return true;
}

// The same in registers: on the tutorial's data a pass takes as long as its numbers depend on one another.
bool MomentsSource::evaluate_one_column(double w, double b, double& grad, Loss& loss) const {
  const double* const g = gram_;
  const double in_w = g[0] * w + (g[1] * b - g[2]);
  const double in_b = g[1] * w + (g[4] * b - g[5]);
  const double sum = w * in_w + (b * in_b - (g[2] * w + (g[5] * b - g[8])));
  grad = 2 * scale_ * in_w;
  loss.loss = sum < 0 ? 0 : scale_ * sum;
  loss.grad_b = 2 * scale_ * in_b;
  return true;
}

void MomentsSource::multiply() {
  // From here on the kernels' registers and threads are worth the way to them.
  constexpr std::int64_t kSmall = 48;
  if (size_ >= kSmall) {
    constexpr std::ptrdiff_t kSize = sizeof(double);
    const MatrixView gram{reinterpret_cast<const char*>(gram_), size_, size_, size_ * kSize, kSize, DType::f64};
    forward(gram, v_.data(), 0.0, product_.data());
    return;
  }
  const double* row = gram_ + size_ * (size_ - 1);
  double* const product = product_.data();
  for (std::int64_t j = 0; j < size_; ++j) product[j] = -row[j];
  row = gram_;
  for (std::int64_t i = 0; i < size_ - 1; ++i, row += size_) {
    const double v = v_[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < size_; ++j) product[j] += v * row[j];
  }
}

}  // namespace gdfast
