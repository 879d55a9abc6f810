#include "cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/dispatch.hpp"
#include "engine/mirror.hpp"
#include "lanes.hpp"

namespace gdfast {
namespace {

constexpr std::int64_t kBlock = 32;  // pivots whose rows, of a large matrix, stay in L2 while those below go by

}  // namespace

Cholesky::Cholesky(const double* a, std::int64_t d) : d_(d), scale_(static_cast<std::size_t>(d)) {
  for (std::int64_t j = 0; j < d; ++j) {
    const double square = a[j * d + j];
    if (!(square > 0)) continue;
    scale_[static_cast<std::size_t>(j)] = 1 / std::sqrt(square);
    order_.push_back(j);
  }
  used_ = static_cast<std::int64_t>(order_.size());
  r_.resize(static_cast<std::size_t>(used_ * used_));
  each_below_diagonal(used_, [a, d, this](std::int64_t i, std::int64_t k) {
    const std::int64_t j = order_[static_cast<std::size_t>(i)], m = order_[static_cast<std::size_t>(k)];
    row(k)[i] = a[j * d + m] * scale(j) * scale(m);
  });
  factor();
}

// A block of pivots at a time is subtracted from the rows below, which come from far. Within it the diagonal alone is
// kept up, and a row when it is its turn: it takes no more to choose the next pivot.
void Cholesky::factor() {
  std::vector<double> diagonal(static_cast<std::size_t>(used_), 1.0);
  for (std::int64_t first = 0; first < used_; first += kBlock) {
    const std::int64_t end = std::min(first + kBlock, used_);
    for (; rank_ < end; ++rank_) {
      const std::int64_t k = rank_;
      const auto largest = std::max_element(diagonal.begin() + k, diagonal.end());
      const double pivot = *largest;
      if (!(pivot > nothing())) {
        left_ = pivot;
        return;
      }
      smallest_ = std::min(smallest_, pivot);
      swap(k, largest - diagonal.begin(), diagonal);
      subtract(first, k, k);
      const double root = std::sqrt(pivot);
      double* const to = row(k);
      to[k] = root;
      for (std::int64_t j = k + 1; j < used_; ++j) {
        to[j] /= root;
        diagonal[static_cast<std::size_t>(j)] -= to[j] * to[j];
      }
    }
    for (std::int64_t i = end; i < used_; ++i) subtract(first, end, i);
  }
}

// Rows and columns k < p of an upper triangle.
void Cholesky::swap(std::int64_t k, std::int64_t p, std::vector<double>& diagonal) {
  if (k == p) return;
  std::swap(order_[static_cast<std::size_t>(k)], order_[static_cast<std::size_t>(p)]);
  std::swap(diagonal[static_cast<std::size_t>(k)], diagonal[static_cast<std::size_t>(p)]);
  for (std::int64_t i = 0; i < k; ++i) std::swap(row(i)[k], row(i)[p]);
  for (std::int64_t i = k + 1; i < p; ++i) std::swap(row(k)[i], row(i)[p]);
  std::swap_ranges(row(k) + p + 1, row(k) + used_, row(p) + p + 1);
}

// What rows [first, end) of the factor make of row i, from its diagonal on.
void Cholesky::subtract(std::int64_t first, std::int64_t end, std::int64_t i) {
  double factors[kBlock];
  const double* rows[kBlock];
  for (std::int64_t k = first; k < end; ++k) {
    factors[k - first] = -row(k)[i];
    rows[k - first] = row(k) + i;
  }
  row_kernels().add(factors, rows, end - first, used_ - i, row(i) + i);
}

void Cholesky::forward(const double* g, double* t) const {
  for (std::int64_t i = 0; i < rank_; ++i) {
    const std::int64_t j = order_[static_cast<std::size_t>(i)];
    t[i] = scale(j) * g[j];
  }
  for (std::int64_t i = 0; i < rank_; ++i) {
    t[i] /= row(i)[i];
    add_multiple(-t[i], row(i) + i + 1, rank_ - i - 1, t + i + 1);
  }
}

void Cholesky::backward(double* t) const {
  for (std::int64_t i = rank_ - 1; i >= 0; --i) {
    t[i] = (t[i] - lane_dot(row(i) + i + 1, t + i + 1, rank_ - i - 1)) / row(i)[i];
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
    std::vector<double> t(static_cast<std::size_t>(rank_));
    for (std::int64_t k = 0; k < rank_; ++k) t[static_cast<std::size_t>(k)] = row(k)[i];
    backward(t.data());
    n[order_[static_cast<std::size_t>(i)]] = 1;
    for (std::int64_t k = 0; k < rank_; ++k) n[order_[static_cast<std::size_t>(k)]] = -t[static_cast<std::size_t>(k)];
  }
  return all;
}

}  // namespace gdfast
