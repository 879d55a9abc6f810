// The moments of a data set: with z = [x − o, 1, y − p] the matrix Σ s z zᵀ, in one read, about an origin (o, p) near the
// data. Least squares needs no more of it.
#pragma once

#include "counters.hpp"
#include "source.hpp"
#include "stop_flag.hpp"

namespace gdfast {

// gram: (d + 2)² numbers; origin: the d of x, then that of y. False if `stop` gave up.
template <class T>
bool moments(const Source<T>& source, double* gram, double* origin, Counters& counters, const Stop* stop = nullptr);

}  // namespace gdfast
