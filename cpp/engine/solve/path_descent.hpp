// Coordinate descent along a path of penalties: each starts from where the last ones lead, and moves those columns alone
// that have a coefficient, or may get one (Friedman, Hastie and Tibshirani 2010).
//
// Sweeps go forwards and backwards in turns (Niethammer 1964, Conrad and Wallach 1979): of Σₖ aᵢₖ·vₖ, which tells where
// coefficient i goes, a forward sweep makes the part of the k before i and finds that of those behind it as the backward
// sweep has left it, and the other way round. So a sweep reads half of the matrix, and the same half each time.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/least_squares.hpp"
#include "path_objective.hpp"
#include "working_set.hpp"

namespace gdfast {

inline bool same_sign(double a, double b) { return (a > 0 && b > 0) || (a < 0 && b < 0); }

class PathDescent {
 public:
  // The objective without penalties, which outlives this.
  PathDescent(const PathObjective& objective, ArrayPool& arrays);

  // The coefficients at which objective + l1·‖v‖₁ + l2·‖v‖² is least, l1 > 0. False where it was interrupted.
  bool solve(double l1, double l2, const Stop* stop);
  const double* v() const { return v_.data(); }
  std::int64_t count() const;  // of the coefficients that aren't 0
  // Of the last solution: a bound on what the objective is above the least, as a share of it at v = 0.
  double gap() const { return gap_; }

 private:
  using Vector = std::vector<double>;
  // A solution: coefficients, and c − Av, by the places of the working set.
  struct Solution {
    double l1 = 0;
    Vector u, h;
  };
  // By what coefficients move, and how many times that at most.
  struct Way {
    Vector by;
    double times;
  };

  const PathObjective& objective_;
  WorkingSet set_;
  double at_zero_, largest_square_ = 0, half_l1_ = 0, l2_ = 0, gap_ = 0;
  Vector c_, square_;  // by places
  Solution now_, last_, before_;
  Vector v_;
  // Of a round of sweeps, which starts from now_, for each column at work: where it would go by itself, 1/curvature, its
  // length, how far it has moved, and what the moves of the columns before it and behind it have changed.
  Vector alone_, inverse_, length_, start_, moved_, before_it_, behind_it_;
  double steepest_ = 0;
  // Of a sweep there and one back: what it has added to moved_, which it left as that, and behind_it_ as that.
  struct Trip {
    Vector by, moved, behind;
  };
  Trip trip_, last_trip_;
  Vector from_;  // moved_ where a trip begins
  int trips_ = 0;
  std::vector<const double*> rows_;

  void extrapolate();
  void remember();
  bool descend();
  double sum_of_sizes() const;
  double noise() const;
  double least_gap() const;
  void start_sweeps();
  void sweep_forward();
  void sweep_backward();
  void move(std::size_t i);
  void leap();
  bool keeps_signs(double by) const;
  bool raises(double by) const;
  void add_rows(const Vector& factors);
  void solve_active();
  Way way_down(const std::vector<std::int64_t>& at_work) const;
  void find_h();
  bool admit(double threshold);
  double find_gap() const;
};

}  // namespace gdfast
