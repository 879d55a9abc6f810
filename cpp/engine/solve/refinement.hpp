// Coefficients made better by a look at the samples themselves, where the moments' own rounding has cost them digits.
#pragma once

#include "engine/descent/objective.hpp"
#include "engine/descent/standardization.hpp"
#include "gram.hpp"
#include "quadratic.hpp"

namespace gdfast {

// Whether one read of the samples would bring v closer to the optimum, `smallest_pivot` being that of its solution.
bool refining_pays(const Gram& gram, const Standardization& columns, const Quadratic& objective, const double* v,
                   double smallest_pivot);

// One step of the corrected seminormal equations (Björck 1987): the gradient is that of the samples, and only what it is
// divided by are moments. `samples` are in the coordinates of v, and float64. False where the read was interrupted.
bool refine(const Quadratic& objective, Objective& samples, double* v);

}  // namespace gdfast
