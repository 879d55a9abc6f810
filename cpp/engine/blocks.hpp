// How a problem is cut into segments and walked. The cut depends on the shape alone, never on threads or machine, and
// sums are merged in the order of the segments: so the result has the same bits whoever computed them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_table.hpp"
#include "matrix_view.hpp"

namespace gdfast {

struct Segments {
  std::int64_t n;     // rows in all
  std::int64_t rows;  // rows a segment, but for the last
  int count;

  std::int64_t start(int k) const { return k * rows; }
  std::int64_t end(int k) const { return k + 1 == count ? n : (k + 1) * rows; }
};

Segments cut(std::int64_t n, std::int64_t d, std::ptrdiff_t element_size);

// Helpers pay only where there is work for longer than it takes to wake them.
int threads_for(std::int64_t n, std::int64_t d, std::ptrdiff_t element_size);

enum class Access { direct, pack_rows, pack_columns, gather_rows };
enum class Operation { fused, forward, gradient };

// The kernel for a matrix, how it gets at x, and how many rows it is given at a time.
template <class T>
struct Walk {
  RunKernel<T> kernel;
  Access access;
  std::int64_t run_rows;    // when something must be packed
  std::int64_t block_rows;  // column kernel
};

template <class T>
Walk<T> choose_walk(const MatrixView& x, Operation operation);

// The same for rows that are picked one by one.
template <class T>
Walk<T> choose_gathering_walk(const MatrixView& x, Operation operation);

// For rows that are widened to float64 a piece at a time, column after column.
Walk<double> choose_widened_walk(std::int64_t d, Operation operation);

}  // namespace gdfast
