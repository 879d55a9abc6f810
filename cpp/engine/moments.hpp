// The moments of a data set: with z = [x, 1, y] the matrix Σ s z zᵀ, in one read. Least squares needs no more of it.
#pragma once

#include "counters.hpp"
#include "least_squares.hpp"
#include "matrix_view.hpp"

namespace gdfast {

// gram: (d + 2)² numbers. x has dtype T; s.data may be null. False if `stop` gave up.
template <class T>
bool moments(const MatrixView& x, const VectorView& y, const VectorView& s, double* gram, Counters& counters,
             const Stop* stop = nullptr);

}  // namespace gdfast
