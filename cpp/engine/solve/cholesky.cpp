#include "cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gdfast {

Cholesky::Cholesky(const double* a, std::int64_t d) : d_(d), scale_(static_cast<std::size_t>(d)) {
  for (std::int64_t j = 0; j < d; ++j) {
    const double square = a[j * d + j];
    if (!(square > 0)) continue;
    scale_[static_cast<std::size_t>(j)] = 1 / std::sqrt(square);
    order_.push_back(j);
  }
  used_ = static_cast<std::int64_t>(order_.size());
  l_.resize(static_cast<std::size_t>(used_ * used_));
  for (std::int64_t i = 0; i < used_; ++i) {
    const std::int64_t j = order_[static_cast<std::size_t>(i)];
    for (std::int64_t k = 0; k < i; ++k) {
      const std::int64_t m = order_[static_cast<std::size_t>(k)];
      row(i)[k] = a[j * d + m] * scale(j) * scale(m);
    }
    row(i)[i] = 1;
  }
  factor();
}

// Column by column, each taken from all rows below at once: the inner loop is one that compilers turn into SIMD without
// changing an order of additions.
void Cholesky::factor() {
  std::vector<double> column(static_cast<std::size_t>(used_));
  for (; rank_ < used_; ++rank_) {
    const std::int64_t k = rank_;
    std::int64_t largest = k;
    for (std::int64_t i = k + 1; i < used_; ++i) {
      if (row(i)[i] > row(largest)[largest]) largest = i;
    }
    const double pivot = row(largest)[largest];
    if (!(pivot > nothing())) {
      left_ = pivot;
      return;
    }
    smallest_ = std::min(smallest_, pivot);
    swap(k, largest);
    const double root = std::sqrt(pivot);
    row(k)[k] = root;
    for (std::int64_t i = k + 1; i < used_; ++i) column[static_cast<std::size_t>(i)] = row(i)[k] /= root;
    for (std::int64_t i = k + 1; i < used_; ++i) {
      const double factor = row(i)[k];
      double* const to = row(i);
      for (std::int64_t j = k + 1; j <= i; ++j) to[j] -= factor * column[static_cast<std::size_t>(j)];
    }
  }
}

// Rows and columns k < p of a lower triangle.
void Cholesky::swap(std::int64_t k, std::int64_t p) {
  if (k == p) return;
  std::swap(order_[static_cast<std::size_t>(k)], order_[static_cast<std::size_t>(p)]);
  std::swap_ranges(row(k), row(k) + k, row(p));
  std::swap(row(k)[k], row(p)[p]);
  for (std::int64_t i = k + 1; i < p; ++i) std::swap(row(i)[k], row(p)[i]);
  for (std::int64_t i = p + 1; i < used_; ++i) std::swap(row(i)[k], row(i)[p]);
}

void Cholesky::forward(const double* g, double* t) const {
  for (std::int64_t i = 0; i < rank_; ++i) {
    const std::int64_t j = order_[static_cast<std::size_t>(i)];
    double rest = scale(j) * g[j];
    for (std::int64_t k = 0; k < i; ++k) rest -= row(i)[k] * t[k];
    t[i] = rest / row(i)[i];
  }
}

void Cholesky::backward(double* t) const {
  for (std::int64_t i = rank_ - 1; i >= 0; --i) {
    t[i] /= row(i)[i];
    for (std::int64_t k = 0; k < i; ++k) t[k] -= row(i)[k] * t[i];
  }
}

void Cholesky::solve(const double* rhs, double* x) const {
  std::vector<double> t(static_cast<std::size_t>(rank_));
  forward(rhs, t.data());
  backward(t.data());
  std::fill_n(x, d_, 0.0);
  for (std::int64_t i = 0; i < rank_; ++i) {
    const std::int64_t j = order_[static_cast<std::size_t>(i)];
    x[j] = scale(j) * t[static_cast<std::size_t>(i)];
  }
}

double Cholesky::length(const double* g) const {
  std::vector<double> t(static_cast<std::size_t>(rank_));
  forward(g, t.data());
  double squares = 0;
  for (const double value : t) squares += value * value;
  return std::sqrt(squares);
}

std::vector<double> Cholesky::null_vectors() const {
  std::vector<double> all(static_cast<std::size_t>((used_ - rank_) * d_));
  for (std::int64_t i = rank_; i < used_; ++i) {
    double* const n = all.data() + (i - rank_) * d_;
    std::vector<double> t(row(i), row(i) + rank_);
    backward(t.data());
    n[order_[static_cast<std::size_t>(i)]] = 1;
    for (std::int64_t k = 0; k < rank_; ++k) n[order_[static_cast<std::size_t>(k)]] = -t[static_cast<std::size_t>(k)];
  }
  return all;
}

}  // namespace gdfast
