// Copies of what no kernel walks directly, a cache-sized piece at a time.
#pragma once

#include "matrix_view.hpp"

namespace gdfast {

// Elements [first, first + count) of v as contiguous T.
template <class T>
void pack_vector(const VectorView& v, std::int64_t first, std::int64_t count, T* out);

// Rows [first, first + count) of x, which has dtype T: row after row, or column after column.
template <class T>
void pack_rows(const MatrixView& x, std::int64_t first, std::int64_t count, T* out);
template <class T>
void pack_columns(const MatrixView& x, std::int64_t first, std::int64_t count, T* out);

// Numbers of rows, of which the first few are wanted now and the others soon.
struct Picked {
  const std::int64_t* rows;
  std::int64_t count;
  std::int64_t known;  // at least `count`: those after are fetched
};

// The same for picked rows.
template <class T>
void gather_vector(const VectorView& v, const Picked& picked, T* out);
template <class T>
void gather_rows(const MatrixView& x, const Picked& picked, T* out);

// The same as float64: the elements of a vector by way of T; element (i, j) of x to out[i · row_step + j · column_step].
template <class T>
void pack_vector_as(const VectorView& v, std::int64_t first, std::int64_t count, double* out);
template <class T>
void pack_as_double(const MatrixView& x, std::int64_t first, std::int64_t count, double* out, std::ptrdiff_t row_step,
                    std::ptrdiff_t column_step);

}  // namespace gdfast
