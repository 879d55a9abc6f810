// The objective of samples that are known by their moments, as a quadratic function of the coefficients v: the intercept
// follows from them, since at its best the mean residual is 0.
//
//   value(v) = k − 2·cᵀv + vᵀAv + l1·‖v‖₁ + weight·e²      e: how far the intercept is from its best
#pragma once

#include <vector>

#include "engine/descent/penalty.hpp"
#include "engine/descent/standardization.hpp"
#include "engine/least_squares.hpp"
#include "gram.hpp"

namespace gdfast {

class Quadratic {
 public:
  Quadratic(const Gram& gram, const Standardization& columns, const Penalty& penalty, Reduction reduction,
            bool fit_intercept);

  std::int64_t d() const { return d_; }
  const double* a() const { return a_.data(); }
  const double* c() const { return c_.data(); }
  double l1() const { return l1_; }
  double l2() const { return l2_; }
  // At v = 0, with the best intercept: what a share of the objective is a share of.
  double at_zero() const { return k_; }
  double weight() const { return weight_; }
  bool fits_intercept() const { return fit_intercept_; }

  // Σ of the squares, with l2 and without l1, at the best intercept.
  double smooth(const double* v) const;
  double penalty(const double* v) const;
  // c − Av: half of what lowers the smooth part, for which v moves along it.
  void descent(const double* v, double* h) const;
  double best_intercept(const double* v) const;
  // By how much rounding may have put c − Av wrong.
  double descent_error(const double* v, std::int64_t j) const { return size(v) * size_[static_cast<std::size_t>(j)]; }
  // By how much rounding may have put the smooth part wrong.
  double smooth_error(const double* v) const;
  // And the mean residual.
  double intercept_error(const double* v) const;
  double mean(std::int64_t j) const { return mean_[static_cast<std::size_t>(j)]; }

 private:
  std::int64_t d_;
  bool fit_intercept_;
  double l1_, l2_, k_ = 0, weight_ = 1;
  std::vector<double> a_, c_;
  // What a_ and c_ are rounded by: sums of integers are exact, and about the means they need more digits than float64's.
  std::vector<double> a_low_, c_low_;
  std::vector<double> mean_, mean_low_;  // of each column in the coordinates of v; then of y
  std::vector<double> size_;             // √ of the diagonal as it was summed, for the error; then of y
  double size(const double* v) const;
};

}  // namespace gdfast
