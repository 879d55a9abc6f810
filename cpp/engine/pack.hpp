// Copies of what no kernel walks directly, a cache-sized piece at a time.
#pragma once

#include "matrix_view.hpp"

namespace gdfast {

// Elements [first, first + count) of v as contiguous T.
template <class T>
void pack_vector(const VectorView& v, std::int64_t first, std::int64_t count, T* out);

// Element (i, j) of rows [first, first + count) of x, which has dtype T, to out[(i − first) · row_step + j · column_step].
template <class T, class To>
void pack_as(const MatrixView& x, std::int64_t first, std::int64_t count, To* out, std::ptrdiff_t row_step,
             std::ptrdiff_t column_step);

// The same where x has any dtype.
template <class T>
void convert_as(const MatrixView& x, std::int64_t first, std::int64_t count, T* out, std::ptrdiff_t row_step,
                std::ptrdiff_t column_step);

// Numbers of rows, of which the first few are wanted now and the others soon.
struct Picked {
  const std::int64_t* rows;
  std::int64_t count;
  std::int64_t known;  // at least `count`: those after are fetched
};

// Picked rows, one after the other.
template <class T>
void gather_vector(const VectorView& v, const Picked& picked, T* out);
template <class T>
void gather_rows(const MatrixView& x, const Picked& picked, T* out);

}  // namespace gdfast
