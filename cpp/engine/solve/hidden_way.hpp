// What moments can't tell. Columns of which a combination is no more than the rounding of their products are taken to
// depend on one another; but of columns that differ by 1e-8 of their size the products differ by 1e-16 of theirs, and the
// samples themselves may well know the difference, and y go with it.
#pragma once

#include "engine/descent/objective.hpp"
#include "engine/descent/standardization.hpp"
#include "gram.hpp"
#include "quadratic.hpp"

namespace gdfast {

// Whether the objective falls from v along `way`, which the matrix takes for nothing: by a read of the samples, and by another
// one where the way is more than their rounding. Interrupted, it may.
bool may_fall_along(const double* way, const Gram& gram, const Standardization& columns, const Quadratic& objective,
                    Objective& samples, const double* v);

}  // namespace gdfast
