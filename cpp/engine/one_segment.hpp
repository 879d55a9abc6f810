// A small problem, straight through: one segment, in the thread that asks, with nothing taken from a pool or a heap.
#pragma once

#include "least_squares.hpp"

namespace gdfast {

// The loss and gradient that LeastSquares<T>::evaluate would give, bit for bit; `negative` tells whether a weight is
// below 0. False, with nothing said, where the problem isn't small, x isn't of T, its vectors aren't contiguous ones of
// T, or the sums aren't finite: then it is for LeastSquares.
template <class T>
bool evaluate_one_segment(const MatrixView& x, const VectorView& y, const VectorView& s, Reduction reduction,
                          const T* w, T b, T* grad, Loss& loss, bool& negative);

}  // namespace gdfast
