#include "moments_objective.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gdfast {
namespace {

// Whether sums about 0 keep their digits: then, for one column, a pass has a product less to wait for.
bool lies_at_zero(const Gram& gram) {
  constexpr double kFar = 16;
  for (std::int64_t k = 0; k <= gram.d; ++k) {
    const std::int64_t place = k == gram.d ? k + 1 : k;
    if (gram.origin[k] * gram.origin[k] * gram.weight() > kFar * gram.at(place, place)) return false;
  }
  return true;
}

// What rounding has left below zero is nothing; what overflowed stays what it is.
double not_below_zero(double sum) { return sum < 0 && std::isfinite(sum) ? 0 : sum; }

}  // namespace

MomentsObjective::MomentsObjective(const Gram& gram, const Standardization& columns, Reduction reduction)
    : size_(gram.d + 2),
      scale_(reduction == Reduction::mean ? 1 / gram.weight() : 1),
      matrix_(gram.matrix, gram.matrix + size_ * size_),
      origin_(gram.origin, gram.origin + gram.d + 1),
      v_(static_cast<std::size_t>(size_)),
      product_(static_cast<std::size_t>(size_)) {
  v_.back() = -1;
  const bool at_zero = gram.d == 1 && !columns && lies_at_zero(gram);
  for (std::int64_t k = 0; k < gram.d; ++k) {
    double& o = origin_[static_cast<std::size_t>(k)];
    if (at_zero || columns) {
      move(gram, k, o - (columns ? columns.shift[k] : 0), columns ? columns.inverse(k) : 1);
      o = 0;
    }
  }
  if (at_zero) {
    move(gram, gram.d + 1, origin_.back(), 1);
    origin_.back() = 0;
  }
}

// z_k ← (z_k + offset) · factor, in row and column k of the matrix.
void MomentsObjective::move(const Gram& gram, std::int64_t k, double offset, double factor) {
  double* const m = matrix_.data();
  const auto at = [m, this](std::int64_t i, std::int64_t j) -> double& { return m[i * size_ + j]; };
  for (std::int64_t i = 0; i < size_; ++i) {
    if (i != k) at(k, i) = at(i, k) = factor * (at(i, k) + offset * at(i, gram.d));
  }
  // Its own square: Σ s (z + o)² = Σ s z² + o·(2·Σ s z + o·Σ s), with the sum of z as it was.
  at(k, k) = factor * factor * (at(k, k) + offset * (2 * gram.sum(k) + offset * gram.weight()));
}

// Σ s·r² = vᵀGv, and its derivatives are 2·Gv. Near a perfect fit the sum cancels: what is left of it is rounding, which
// may lie below zero.
bool MomentsObjective::evaluate(const double* w, double b, double* grad, Loss& loss) {
  const auto d = static_cast<std::size_t>(size_ - 2);
  if (d == 1) return evaluate_one_column(*w, b, *grad, loss);
  std::copy_n(w, d, v_.begin());
  v_[d] = about_origin(w, b - origin_.back());
  multiply();
  double sum = 0;
  for (std::size_t j = 0; j < d + 2; ++j) sum += v_[j] * product_[j];
  loss.loss = scale_ * not_below_zero(sum);
  hand_out(grad, loss.grad_b);
  return true;
}

// The same in registers: on the tutorial's data a pass takes as long as its numbers depend on one another.
bool MomentsObjective::evaluate_one_column(double w, double b, double& grad, Loss& loss) const {
  const double* const g = matrix_.data();
  const double o = origin_.front(), c = o == 0 ? b - origin_.back() : b + o * w - origin_.back();
  const double in_w = g[0] * w + (g[1] * c - g[2]);
  const double in_b = g[1] * w + (g[4] * c - g[5]);
  const double sum = w * in_w + (c * in_b - (g[2] * w + (g[5] * c - g[8])));
  loss.loss = scale_ * not_below_zero(sum);
  loss.grad_b = 2 * scale_ * in_b;
  grad = 2 * scale_ * in_w + o * loss.grad_b;
  return true;
}

bool MomentsObjective::product(const double* w, double b, double* out, double& out_b) {
  const auto d = static_cast<std::size_t>(size_ - 2);
  std::copy_n(w, d, v_.begin());
  v_[d] = about_origin(w, b);
  v_[d + 1] = 0;
  multiply();
  v_[d + 1] = -1;
  hand_out(out, out_b);
  return true;
}

// The matrix's own error, and that of b + o·w − p, whose terms may be large and cancel.
double MomentsObjective::error(const double* w, double b, double loss) const {
  constexpr double kEps = std::numeric_limits<double>::epsilon();
  const auto size = static_cast<std::size_t>(size_), d = size - 2;
  const auto root = [&](std::size_t j) { return std::sqrt(matrix_[j * size + j]); };
  double sizes = root(d + 1), offset = std::fabs(b) + std::fabs(origin_.back());
  for (std::size_t j = 0; j < d; ++j) {
    sizes += std::fabs(w[j]) * root(j);
    offset += std::fabs(origin_[j] * w[j]);
  }
  const double weight = scale_ * matrix_[d * size + d], mean = kEps * offset * std::sqrt(weight);
  return kGramError * scale_ * sizes * sizes + mean * (2 * std::sqrt(loss) + mean);
}

double MomentsObjective::about_origin(const double* w, double b) const {
  for (std::int64_t j = 0; j < size_ - 2; ++j) b += origin_[static_cast<std::size_t>(j)] * w[j];
  return b;
}

// The derivatives in w and b: x is z + o.
void MomentsObjective::hand_out(double* grad, double& grad_b) const {
  const auto d = static_cast<std::size_t>(size_ - 2);
  grad_b = 2 * scale_ * product_[d];
  for (std::size_t j = 0; j < d; ++j) grad[j] = 2 * scale_ * product_[j] + origin_[j] * grad_b;
}

void MomentsObjective::multiply() {
  // From here on the kernels' registers and threads are worth the way to them.
  constexpr std::int64_t kSmall = 48;
  if (size_ >= kSmall) {
    constexpr std::ptrdiff_t kSize = sizeof(double);
    const MatrixView view{
        reinterpret_cast<const char*>(matrix_.data()), size_, size_, size_ * kSize, kSize, DType::f64};
    forward(MatrixSource<double>({view, {}, {}, {}}), v_.data(), 0.0, product_.data());
    return;
  }
  const double* row = matrix_.data() + size_ * (size_ - 1);
  double* const product = product_.data();
  for (std::int64_t j = 0; j < size_; ++j) product[j] = v_.back() * row[j];
  row = matrix_.data();
  for (std::int64_t i = 0; i < size_ - 1; ++i, row += size_) {
    const double v = v_[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < size_; ++j) product[j] += v * row[j];
  }
}

}  // namespace gdfast
