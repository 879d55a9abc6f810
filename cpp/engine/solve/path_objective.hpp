// The loss of samples that are known by their moments, as a quadratic function of the coefficients v of standardised
// columns, the intercept at its best. `Quadratic` has it in twice the digits; a path has hundreds of solutions and needs a
// matrix for each training set, and what it is off by is what the sums are off by.
//
//   value(v) = k − 2·cᵀv + vᵀAv
#pragma once

#include <vector>

#include "array_pool.hpp"
#include "engine/descent/standardization.hpp"
#include "gram.hpp"

namespace gdfast {

class PathObjective {
 public:
  // An array of `arrays` has room for d × d.
  PathObjective(const Gram& gram, bool fit_intercept, bool standardize, ArrayPool& arrays);

  std::int64_t d() const { return gram_.d; }
  const double* a() const { return a_.get(); }
  double diagonal(std::int64_t j) const { return diagonal_[static_cast<std::size_t>(j)]; }
  const double* c() const { return c_.data(); }
  double at_zero() const { return k_; }
  const Gram& gram() const { return gram_; }
  Standardization columns() const { return {shift_.data(), scale_.data()}; }

  // The coefficients of x, and their intercept, for v.
  double to_original(const double* v, double* w) const;

 private:
  Gram gram_;
  bool fit_intercept_;
  std::vector<double> shift_, scale_, diagonal_, c_;
  ArrayPool::Lent a_;
  double k_ = 0;

  void find_scales(bool standardize);
  void find_products();
};

}  // namespace gdfast
