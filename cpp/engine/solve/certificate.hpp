// How far from the least there is, of a model whose data is known by its moments.
#pragma once

#include "engine/descent/objective.hpp"
#include "engine/descent/penalty.hpp"
#include "engine/descent/standardization.hpp"
#include "engine/least_squares.hpp"
#include "gram.hpp"

namespace gdfast {

struct Certificate {
  double gap;            // a bound on objective − least objective, as a share of the objective at w = 0 with the best b
  double objective;      // there
  double loss_error;     // a bound on what rounding has put it wrong by
  double gradient_norm;  // in the coordinates of the descent; with l1, of the subgradient of least length
};

// Of the model x·w + b, in the units of x. Where the moments take columns for dependent the samples are asked, if there are
// any: without l1.
Certificate certify(const Gram& gram, const Standardization& columns, const Penalty& penalty, Reduction reduction,
                    bool fit_intercept, const double* w, double b, Objective* samples, const Stop* stop);

}  // namespace gdfast
