// Problems of float32 in float64, for those whose numbers float32 can hold but whose residuals or products it can't.
#pragma once

#include "least_squares.hpp"
#include "segment_sums.hpp"

namespace gdfast {

struct Widened {
  MatrixView x;
  VectorView y, s;
  VectorView y_pred;  // without data the model predicts, with w and b
  Selection selection = {};
};

// Makes the merged sums anew, with every number widened first. Where w or b is NaN nothing else can come of it, and the
// sums stay. False if `stop` gave up.
//
// It takes several times as long as the kernels of float32 do, so it is for sums that aren't finite: that costs others
// nothing, and a descent that diverges ends with the first of them.
bool sum_widened(const Widened& problem, const float* w, float b, SegmentSums& sums, const Stop* stop,
                 Counters* counters);

}  // namespace gdfast
