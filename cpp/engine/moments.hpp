// The moments of a data set: with z = [x − o, 1, y − p] the matrix Σ s z zᵀ, in one read, about an origin (o, p) near the
// data. Least squares needs no more of it.
#pragma once

#include "counters.hpp"
#include "least_squares.hpp"
#include "matrix_view.hpp"
#include "origin.hpp"

namespace gdfast {

// gram: (d + 2)² numbers; origin: the d of x, then that of y. x has dtype T. False if `stop` gave up.
template <class T>
bool moments(const DataSet& data, double* gram, double* origin, Counters& counters, const Stop* stop = nullptr);

}  // namespace gdfast
