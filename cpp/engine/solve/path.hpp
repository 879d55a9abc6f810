// All penalties of a path, on all rows and on each training set of a cross-validation, from the moments of its folds.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/least_squares.hpp"
#include "gram.hpp"

namespace gdfast {

// The objective is loss + l1·‖v‖₁ + l2·‖v‖² with l1 = λ·ratio and l2 = λ·(1 − ratio)/2, v in standardised columns if wanted.
struct PathOptions {
  bool fit_intercept = true, standardize = true;
  std::vector<double> ratios;  // R of them, from 0 to 1
  std::int64_t count = 0;      // of penalties, P
  double eps = 0;              // the smallest penalty by the largest, where they are to be found
};

// What comes of it. R × P means: of each ratio all penalties. Room for coefficients (R × P × d) is of all rows alone.
struct PathRoom {
  double* penalties;  // R × P: read where `given`, else found, largest first
  bool given;
  double* coefs;       // R × P × d
  double* intercepts;  // R × P
  double* df;          // R × P: coefficients that aren't 0; with ratio 0 the trace of what y is smoothed by
  double* gaps;        // R × P: what the objective is above the least, at most, as a share of it at v = 0
  double* matrix;      // (d + 2)², and origin, d + 1: the moments of all rows
  double* origin;
  double* losses;  // folds × R × P: of the rows held out, at the coefficients of all others
};

// Of one fold or more; with one there is nothing held out, and `losses` isn't written. False where it was interrupted.
bool solve_path(const std::vector<Gram>& folds, const PathOptions& options, const PathRoom& room, const Stop* stop);

}  // namespace gdfast
