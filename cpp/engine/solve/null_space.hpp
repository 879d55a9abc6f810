// Where columns depend on one another: the ways along which coefficients move and no prediction does.
#pragma once

#include <cstdint>
#include <vector>

#include "cholesky.hpp"

namespace gdfast {

// One for each column that depends on others, as rows of d numbers: of length 1, and at right angles to each other.
std::vector<double> null_directions(const Cholesky& factors, std::int64_t d);

// All of them at once, each with a factor of its own between 1 and 2, so that what rows have of two won't cancel.
std::vector<double> sum_of_directions(const std::vector<double>& directions, std::int64_t d);

// v without its part along them: of all coefficients with the same predictions those of least length.
void shorten(const std::vector<double>& directions, double* v, std::int64_t d);

}  // namespace gdfast
