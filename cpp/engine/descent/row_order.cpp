#include "row_order.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace gdfast {
namespace {

constexpr std::int64_t kAhead = 64;

// Draws from [0, last], [0, last − 1], … as NumPy makes them: bits are masked to the length of the bound, and what is
// above it is drawn again. Which it is no branch predictor knows, so a draw is kept by moving on, and not by a jump.
template <class Bits>
void draw(Bits bits, std::int64_t last, std::int64_t count, std::int64_t* places) {
  for (std::int64_t k = 0; k < count;) {
    const auto bound = static_cast<std::uint64_t>(last - k);
    const std::uint64_t mask = ~std::uint64_t{0} >> std::countl_zero(bound);
    const std::uint64_t drawn = bits() & mask;
    places[k] = static_cast<std::int64_t>(drawn);
    k += drawn <= bound ? 1 : 0;
  }
}

}  // namespace

// Fisher and Yates from the end. The places to swap with are drawn a few at a time, and asked for in memory meanwhile:
// each is a jump into an array that no close cache holds.
bool permutation(BitGenerator& bits, std::int64_t n, std::int64_t* order, const Stop& stop) {
  constexpr std::int64_t kBetweenStops = 1 << 16;
  std::int64_t places[kAhead];
  std::iota(order, order + n, std::int64_t{0});
  for (std::int64_t i = n - 1; i > 0;) {
    if ((n - 1 - i) % kBetweenStops == 0 && stop && stop()) return false;
    const std::int64_t count = std::min(kAhead, i);
    if (i <= UINT32_MAX) {
      draw([&] { return bits.next_uint32(bits.state); }, i, count, places);
    } else {
      draw([&] { return bits.next_uint64(bits.state); }, i, count, places);
    }
    for (std::int64_t k = 0; k < count; ++k) __builtin_prefetch(order + places[k], 1, 2);
    for (std::int64_t k = 0; k < count; ++k) std::swap(order[i - k], order[places[k]]);
    i -= count;
  }
  return true;
}

}  // namespace gdfast
