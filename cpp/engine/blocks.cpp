#include "blocks.hpp"

#include <algorithm>

#include "thread_pool.hpp"

namespace gdfast {
namespace {

std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

}  // namespace

Segments cut(std::int64_t n, std::int64_t d, std::ptrdiff_t element_size) {
  // Enough segments to keep many threads evenly busy, but their sums together stay within 2 MiB, and one is no less
  // than 256 KiB of x: below that handing it out costs more than it saves.
  const std::int64_t most = std::clamp<std::int64_t>((2 << 20) / (8 * (d + 3)), 16, 128);
  const std::int64_t fewest_rows = (256 << 10) / (d * element_size) + 1;
  const std::int64_t rows = round_up(std::max((n + most - 1) / most, fewest_rows), kLanes<float>);
  return {n, rows, static_cast<int>((n + rows - 1) / rows)};
}

int threads_for(std::int64_t n, std::int64_t d, std::ptrdiff_t element_size) {
  // Waking a helper takes about 10 µs, in which one thread reads some 256 KiB from its cache.
  const double shares = static_cast<double>(n) * static_cast<double>(d * element_size) / (256 << 10);
  return static_cast<int>(std::clamp(shares, 1.0, static_cast<double>(num_threads())));
}

}  // namespace gdfast
