// Coordinate descent along a path of penalties: each starts from the last one's coefficients, and moves those alone that
// are not 0, or should not be (Friedman, Hastie and Tibshirani 2010). Their part of the Gram matrix is kept apart.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/least_squares.hpp"
#include "path_objective.hpp"

namespace gdfast {

class PathDescent {
 public:
  // The objective without penalties, which outlives this.
  explicit PathDescent(const PathObjective& objective);

  // The coefficients at which objective + l1·‖v‖₁ + l2·‖v‖² is least, l1 > 0. False where it was interrupted.
  bool solve(double l1, double l2, const Stop* stop);
  const double* v() const { return v_.data(); }
  std::int64_t count() const;  // of the coefficients that aren't 0
  // Of the last solution: a bound on what the objective is above the least, as a share of it at v = 0.
  double gap() const { return gap_; }

 private:
  const PathObjective& objective_;
  const double *a_, *c_;
  std::int64_t d_;
  double at_zero_, half_l1_ = 0, l2_ = 0, gap_ = 0;
  std::vector<double> v_, h_;         // h = c − Av − l2·v
  std::vector<std::int64_t> active_;  // columns that had a coefficient once, in the order in which they got it
  std::vector<bool> is_active_;
  std::unique_ptr<double[]> g_;   // their part of A, rows of d
  std::vector<double> u_, rest_;  // their coefficients, and their part of h
  // The last two solutions: coefficients of the active columns that there were.
  double last_l1_ = 0, before_l1_ = 0;
  std::vector<double> last_, before_;

  void extrapolate();
  void remember();
  bool descend();
  double sweep();
  void solve_active();
  void find_h();
  bool admit(double threshold);
  double find_gap() const;
};

}  // namespace gdfast
