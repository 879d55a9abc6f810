// The two halves of a symmetric matrix.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gdfast {

// f(j, k) for each element below the diagonal, k < j: in squares of whose rows and columns, one of which is far apart in
// memory, each line of the cache is fetched once.
template <class F>
void each_below_diagonal(std::int64_t size, F f) {
  constexpr std::int64_t kSide = 32;
  for (std::int64_t top = 0; top < size; top += kSide) {
    for (std::int64_t left = 0; left <= top; left += kSide) {
      for (std::int64_t j = top; j < std::min(top + kSide, size); ++j) {
        for (std::int64_t k = left; k < std::min(left + kSide, j); ++k) f(j, k);
      }
    }
  }
}

}  // namespace gdfast
