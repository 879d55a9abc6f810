// How a problem is cut into segments. The cut depends on the shape alone, never on threads or machine, and
// sums are merged in the order of the segments: so the result has the same bits whoever computed them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_table.hpp"

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

}  // namespace gdfast
