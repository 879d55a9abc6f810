#include "quadratic.hpp"

#include <cmath>

#include "dot.hpp"

namespace gdfast {
namespace {

// The matrix about `to` instead of the origin it was summed about, in scaled columns; index d is y.
class Moved {
 public:
  Moved(const Gram& gram, const Standardization& columns, bool about_the_mean) : gram_(gram) {
    for (std::int64_t k = 0; k <= gram.d; ++k) {
      const bool is_y = k == gram.d;
      const double shift = is_y || !columns ? 0 : columns.shift[k];
      offset_.push_back(about_the_mean ? -sum(k) / gram.weight() : gram.origin[k] - shift);
      factor_.push_back(is_y || !columns ? 1 : columns.inverse(k));
    }
  }

  double operator()(std::int64_t j, std::int64_t k) const {
    const double o = at(offset_, j), p = at(offset_, k);
    const double moved = gram_.at(place(j), place(k)) + o * sum(k) + p * sum(j) + o * p * gram_.weight();
    return at(factor_, j) * at(factor_, k) * moved;
  }

 private:
  const Gram& gram_;
  std::vector<double> offset_, factor_;

  static double at(const std::vector<double>& values, std::int64_t k) { return values[static_cast<std::size_t>(k)]; }
  std::int64_t place(std::int64_t k) const { return k == gram_.d ? k + 1 : k; }
  double sum(std::int64_t k) const { return gram_.sum(place(k)); }
};

}  // namespace

Quadratic::Quadratic(const Gram& gram, const Standardization& columns, const Penalty& penalty, Reduction reduction,
                     bool fit_intercept)
    : d_(gram.d), fit_intercept_(fit_intercept), l1_(penalty.l1) {
  const double share = reduction == Reduction::mean ? 1 / gram.weight() : 1;
  weight_ = reduction == Reduction::mean ? 1 : gram.weight();
  const Moved moved(gram, columns, fit_intercept);
  a_.resize(static_cast<std::size_t>(d_ * d_));
  for (std::int64_t j = 0; j < d_; ++j) {
    for (std::int64_t k = 0; k <= j; ++k) a_[static_cast<std::size_t>(j * d_ + k)] = share * moved(j, k);
    // By Cauchy and Schwarz no sum of products exceeds what it is when a column is constant: that rounds to 0, not below.
    double& diagonal = a_[static_cast<std::size_t>(j * d_ + j)];
    const bool constant = fit_intercept && !(gram.at(j, j) * gram.weight() > gram.sum(j) * gram.sum(j));
    diagonal = (constant ? 0 : diagonal) + penalty.l2;
    c_.push_back(share * moved(j, d_));
    const double scale = columns ? columns.inverse(j) : 1;
    const double offset = fit_intercept ? 0 : gram.origin[j] - (columns ? columns.shift[j] : 0);
    size_.push_back(scale * std::sqrt(share * (gram.at(j, j) + offset * offset * gram.weight())));
    mean_.push_back(scale * (gram.sum(j) / gram.weight() + (gram.origin[j] - (columns ? columns.shift[j] : 0))));
  }
  for (std::int64_t j = 0; j < d_; ++j) {
    for (std::int64_t k = 0; k < j; ++k) {
      a_[static_cast<std::size_t>(k * d_ + j)] = a_[static_cast<std::size_t>(j * d_ + k)];
    }
  }
  k_ = std::fmax(share * moved(d_, d_), 0);
  const double offset = fit_intercept ? 0 : gram.origin[d_];
  size_.push_back(std::sqrt(share * (gram.at(d_ + 1, d_ + 1) + offset * offset * gram.weight())));
  mean_.push_back(gram.origin[d_] + gram.sum(d_ + 1) / gram.weight());
}

void Quadratic::descent(const double* v, double* h) const {
  for (std::int64_t j = 0; j < d_; ++j) {
    ExactSum rest;
    rest.add(-c_[static_cast<std::size_t>(j)]);
    rest.add_dot(a_.data() + j * d_, v, d_);
    h[j] = -rest.value();
  }
}

double Quadratic::smooth(const double* v) const {
  ExactSum value;
  value.add(k_);
  for (std::int64_t j = 0; j < d_; ++j) {
    if (v[j] == 0) continue;
    ExactSum product;
    product.add(-2 * c_[static_cast<std::size_t>(j)]);
    product.add_dot(a_.data() + j * d_, v, d_);
    value.add_product(v[j], product.value());
  }
  return std::fmax(value.value(), 0);
}

double Quadratic::penalty(const double* v) const {
  double sizes = 0;
  for (std::int64_t j = 0; j < d_; ++j) sizes += std::fabs(v[j]);
  return l1_ * sizes;
}

double Quadratic::best_intercept(const double* v) const {
  if (!fit_intercept_) return 0;
  ExactSum b;
  b.add(mean_.back());
  for (std::int64_t j = 0; j < d_; ++j) b.add_product(-mean_[static_cast<std::size_t>(j)], v[j]);
  return b.value();
}

double Quadratic::size(const double* v) const {
  double all = size_.back();
  for (std::int64_t j = 0; j < d_; ++j) all += std::fabs(v[j]) * size_[static_cast<std::size_t>(j)];
  return kGramError * all;
}

double Quadratic::intercept_error(const double* v) const { return size(v) / std::sqrt(weight_); }

double Quadratic::smooth_error(const double* v) const {
  const double all = size(v);
  return all * (all / kGramError);
}

}  // namespace gdfast
