// How a piece lies that is made in the cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_table.hpp"

namespace gdfast {

// Pieces that end where a run may be cut are no larger than this.
inline constexpr std::int64_t kMostMadeBytes = 2 << 20;

// From one column to the next, so that they don't compete for the same sets of the cache. A row or two don't care.
template <class T>
std::ptrdiff_t column_step(std::int64_t rows) {
  return rows < kLanes<T> ? rows : rows + 2 * kLanes<T>;
}

}  // namespace gdfast
