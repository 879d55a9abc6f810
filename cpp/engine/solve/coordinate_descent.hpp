// Coordinate descent on a quadratic objective with l1 (Friedman, Hastie and Tibshirani 2010, "covariance updates"): one
// coefficient at a time to where the objective is least along it. Which coefficients are 0 settles after some rounds, and
// then the others are the solution of a linear system, which is tried.
#pragma once

#include <vector>

#include "engine/least_squares.hpp"
#include "quadratic.hpp"

namespace gdfast {

class CoordinateDescent {
 public:
  // From v, in place.
  CoordinateDescent(const Quadratic& objective, double* v);
  // Until the duality gap is rounding. False where it was interrupted.
  bool run(const Stop* stop);

 private:
  // By what the active coefficients move, and how many times that at most.
  struct Way {
    std::vector<double> by;
    double times;
  };

  const Quadratic& objective_;
  std::int64_t d_;
  double half_l1_;
  double* v_;
  std::vector<double> rest_;  // c − Av
  std::vector<std::int64_t> all_, active_;

  double sweep(const std::vector<std::int64_t>& columns);
  double move(std::int64_t j);
  void find_active();
  void solve_active();
  Way way_down() const;
  double gap() const;
};

}  // namespace gdfast
