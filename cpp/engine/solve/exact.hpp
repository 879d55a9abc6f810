// The coefficients at which a quadratic objective is least.
#pragma once

#include <vector>

#include "cholesky.hpp"
#include "engine/least_squares.hpp"
#include "quadratic.hpp"

namespace gdfast {

struct Solution {
  std::vector<double> v;
  // For each column that depends on others: itself, and those.
  std::vector<std::vector<std::int64_t>> dependent;
  double gap = 0;             // without l1: what the objective is above the least, at most
  double smallest_pivot = 1;  // of the scaled matrix: what is left of the least independent column
  bool interrupted = false;
};

// Without l1 by Cholesky's factors; where columns depend on one another, of all solutions the one of least length. With l1
// by coordinate descent from `start`, to a duality gap of rounding.
Solution solve(const Quadratic& objective, const double* start, const Stop* stop);

// What the objective without l1 is at v above the least, at most; by the factors of its matrix, and h = c − Av.
double smooth_gap(const Quadratic& objective, const Cholesky& factors, const double* v, const double* h);

// A bound from below on the least objective, by the dual at v (l1 > 0).
double dual(const Quadratic& objective, const double* v);

}  // namespace gdfast
