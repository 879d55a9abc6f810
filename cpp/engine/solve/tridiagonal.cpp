#include "tridiagonal.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lanes.hpp"

namespace gdfast {

Tridiagonal::Tridiagonal(const double* a, std::int64_t d)
    : d_(d),
      reflections_(static_cast<std::size_t>(d * d)),
      diagonal_(static_cast<std::size_t>(d)),
      beside_(static_cast<std::size_t>(d)),
      pivots_(static_cast<std::size_t>(d)) {
  reduce(std::vector<double>(a, a + d * d));
}

// Golub and Van Loan, Matrix Computations, 8.3.1: with p = Au and q = p − ½(uᵀp)u, HAH = A − uqᵀ − quᵀ.
void Tridiagonal::reduce(std::vector<double> a) {
  std::vector<double> p(static_cast<std::size_t>(d_));
  const auto row = [&a, this](std::int64_t i) { return a.data() + i * d_; };
  for (std::int64_t k = 0; k < d_; ++k) {
    diagonal_[static_cast<std::size_t>(k)] = row(k)[k];
    const std::int64_t first = k + 1, left = d_ - first;
    if (left == 0) break;
    double* const u = reflections_.data() + k * d_;
    std::copy_n(row(k) + first, left, u + first);
    const double length = std::sqrt(lane_dot(u + first, u + first, left));
    const double to = std::copysign(length, -u[first]);
    const double rest = lane_dot(u + first + 1, u + first + 1, left - 1);
    if (rest == 0) {  // it is tridiagonal there already
      beside_[static_cast<std::size_t>(k)] = u[first];
      std::fill_n(u + first, left, 0.0);
      continue;
    }
    beside_[static_cast<std::size_t>(k)] = to;
    u[first] -= to;
    const double scale = std::sqrt(2 / (u[first] * u[first] + rest));
    for (std::int64_t i = first; i < d_; ++i) u[i] *= scale;
    std::fill(p.begin(), p.end(), 0.0);
    for (std::int64_t i = first; i < d_; ++i) add_multiple(u[i], row(i) + first, left, p.data() + first);
    add_multiple(-lane_dot(u + first, p.data() + first, left) / 2, u + first, left, p.data() + first);
    for (std::int64_t i = first; i < d_; ++i) {
      double* const to_row = row(i);
      const double ui = u[i], qi = p[static_cast<std::size_t>(i)];
      for (std::int64_t j = first; j < d_; ++j) to_row[j] -= ui * p[static_cast<std::size_t>(j)] + qi * u[j];
    }
  }
}

bool Tridiagonal::shift(double lambda) {
  lambda_ = lambda;
  for (std::size_t i = 0; i < pivots_.size(); ++i) {
    pivots_[i] = diagonal_[i] + lambda - (i == 0 ? 0 : beside_[i - 1] * (beside_[i - 1] / pivots_[i - 1]));
    if (!(pivots_[i] > 0)) return false;
  }
  return true;
}

void Tridiagonal::reflect(std::int64_t k, double* x) const {
  const double* const u = reflections_.data() + k * d_;
  const std::int64_t first = k + 1, left = d_ - first;
  add_multiple(-lane_dot(u + first, x + first, left), u + first, left, x + first);
}

void Tridiagonal::solve(const double* c, double* x) const {
  if (x != c) std::copy_n(c, d_, x);
  for (std::int64_t k = 0; k < d_ - 2; ++k) reflect(k, x);
  for (std::int64_t i = 1; i < d_; ++i) {
    const auto before = static_cast<std::size_t>(i - 1);
    x[i] -= beside_[before] / pivots_[before] * x[i - 1];
  }
  for (std::int64_t i = d_ - 1; i >= 0; --i) {
    const auto at = static_cast<std::size_t>(i);
    x[i] = (x[i] - (i + 1 < d_ ? beside_[at] * x[i + 1] : 0)) / pivots_[at];
  }
  for (std::int64_t k = d_ - 3; k >= 0; --k) reflect(k, x);
}

// (T + λI)⁻¹ has 1/(f + g − t) on its diagonal, where f and g are the pivots from the top and from the bottom.
double Tridiagonal::trace_of_inverse() const {
  double trace = 0, below = 0;
  for (std::size_t i = pivots_.size(); i-- > 0;) {
    const double t = diagonal_[i] + lambda_;
    below = t - (i + 1 == pivots_.size() ? 0 : beside_[i] * (beside_[i] / below));
    trace += 1 / (pivots_[i] + below - t);
  }
  return trace;
}

}  // namespace gdfast
