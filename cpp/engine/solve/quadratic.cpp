#include "quadratic.hpp"

#include <algorithm>
#include <cmath>

#include "dot.hpp"
#include "lanes.hpp"

namespace gdfast {
namespace {

// A number of twice the digits of float64.
struct Wide {
  double value, low;

  static Wide of(const ExactSum& sum) { return {sum.value(), sum.low()}; }
  Wide times(double factor) const {
    ExactSum product;
    product.add_product(value, factor);
    product.add_product(low, factor);
    return of(product);
  }
};

Wide quotient(double a, double b) {
  const double value = a / b;
  return {value, std::fma(-value, b, a) / b};
}

// The matrix about another point than the origin it was summed about, in scaled columns; index d is y. About a mean that
// is rounded it is off by no more than the square of that rounding, whatever the number of digits.
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

  Wide operator()(std::int64_t j, std::int64_t k) const {
    const double o = at(offset_, j), p = at(offset_, k), square = o * p;
    ExactSum moved;
    moved.add(gram_.at(place(std::min(j, k)), place(std::max(j, k))));  // the upper triangle is always there
    moved.add_product(o, sum(k));
    moved.add_product(p, sum(j));
    moved.add_product(square, gram_.weight());
    moved.add_product(std::fma(o, p, -square), gram_.weight());
    return Wide::of(moved).times(at(factor_, j)).times(at(factor_, k));
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
    : d_(gram.d), fit_intercept_(fit_intercept), l1_(penalty.l1), l2_(penalty.l2) {
  const double share = reduction == Reduction::mean ? 1 / gram.weight() : 1;
  weight_ = reduction == Reduction::mean ? 1 : gram.weight();
  const Moved moved(gram, columns, fit_intercept);
  a_.resize(static_cast<std::size_t>(d_ * d_));
  a_low_.resize(a_.size());
  for (std::int64_t j = 0; j < d_; ++j) {
    for (std::int64_t k = 0; k <= j; ++k) {
      const Wide element = moved(j, k).times(share);
      for (const std::int64_t place : {j * d_ + k, k * d_ + j}) {
        a_[static_cast<std::size_t>(place)] = element.value;
        a_low_[static_cast<std::size_t>(place)] = element.low;
      }
    }
    const auto diagonal = static_cast<std::size_t>(j * d_ + j);
    if (fit_intercept && !gram.varies(j)) a_[diagonal] = a_low_[diagonal] = 0;
    ExactSum with_l2;
    for (const double part : {penalty.l2, a_[diagonal], a_low_[diagonal]}) with_l2.add(part);
    a_[diagonal] = with_l2.value();
    a_low_[diagonal] = with_l2.low();
    const Wide with_y = moved(j, d_).times(share);
    c_.push_back(with_y.value);
    c_low_.push_back(with_y.low);
    const double scale = columns ? columns.inverse(j) : 1, shift = columns ? columns.shift[j] : 0;
    const double offset = fit_intercept ? 0 : gram.origin[j] - shift;
    size_.push_back(scale * std::sqrt(share * (gram.at(j, j) + offset * offset * gram.weight())));
    const Wide about_origin = quotient(gram.sum(j), gram.weight());
    ExactSum mean;
    for (const double part : {gram.origin[j], -shift, about_origin.value, about_origin.low}) mean.add(part);
    const Wide scaled = Wide::of(mean).times(scale);
    mean_.push_back(scaled.value);
    mean_low_.push_back(scaled.low);
  }
  k_ = std::fmax(moved(d_, d_).times(share).value, 0);
  const double offset = fit_intercept ? 0 : gram.origin[d_];
  size_.push_back(std::sqrt(share * (gram.at(d_ + 1, d_ + 1) + offset * offset * gram.weight())));
  const Wide about_origin = quotient(gram.sum(d_ + 1), gram.weight());
  ExactSum mean;
  for (const double part : {gram.origin[d_], about_origin.value, about_origin.low}) mean.add(part);
  mean_.push_back(mean.value());
  mean_low_.push_back(mean.low());
}

void Quadratic::descent(const double* v, double* h) const {
  for (std::int64_t j = 0; j < d_; ++j) {
    ExactSum rest;
    rest.add(-c_[static_cast<std::size_t>(j)]);
    rest.add(-c_low_[static_cast<std::size_t>(j)]);
    rest.add_dot(a_.data() + j * d_, v, d_);
    rest.add(lane_dot(a_low_.data() + j * d_, v, d_));  // whose own rounding is beyond twice the digits
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
  b.add(mean_low_.back());
  for (std::int64_t j = 0; j < d_; ++j) {
    b.add_product(-mean_[static_cast<std::size_t>(j)], v[j]);
    b.add_product(-mean_low_[static_cast<std::size_t>(j)], v[j]);
  }
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
