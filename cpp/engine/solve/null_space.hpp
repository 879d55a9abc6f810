// Where columns depend on one another: the ways along which coefficients move and no prediction does.
#pragma once

#include <cstdint>
#include <vector>

#include "cholesky.hpp"

namespace gdfast {

// v without its part along these null vectors of the factors: of all coefficients with the same predictions those of least
// length.
void shorten(const Cholesky& factors, std::vector<double> null_vectors, double* v, std::int64_t d);

// One of these ways, which has a part of every one of them.
std::vector<double> null_way(const Cholesky& factors, std::int64_t d);

}  // namespace gdfast
