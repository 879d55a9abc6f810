#include "blocks.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "dispatch.hpp"
#include "machine.hpp"
#include "thread_pool.hpp"

namespace gdfast {
namespace {

std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

std::int64_t power_of_two_below(std::int64_t value, std::int64_t low, std::int64_t high) {
  const auto floor = std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(value, 1)));
  return std::clamp(static_cast<std::int64_t>(floor), low, high);
}

// A block is read twice. It stays in L2 (640 KiB leave room for the next one on its way in) while a column's piece has 256
// rows or more there: each piece lies on a page of its own, and begins with a wait for memory. Beyond that it is to stay
// in a share of L3, with longer pieces. Not read from the machine: the block decides where sums in T are moved to
// float64, and so the bits.
std::int64_t column_block_rows(std::int64_t d, std::ptrdiff_t element_size) {
  constexpr std::int64_t kFewest = 256, kMost = 1024, kInL2 = 640 << 10, kInL3 = 8 << 20;
  const std::int64_t row = d * element_size;
  return power_of_two_below((kFewest * row <= kInL2 ? kInL2 : kInL3) / row, kFewest, kMost);
}

// All of x lies in L2, and L1 has room for the rows at work: eight on their way in, sixteen on their way into the gradient.
bool is_cached(const Layout& x, std::ptrdiff_t element_size) {
  return x.n * x.d * element_size <= caches().l2 && 24 * x.d * element_size <= caches().l1;
}

template <class T>
RunKernel<T> part_of(const Form<T>& form, Operation operation) {
  switch (operation) {
    case Operation::forward:
      return form.forward;
    case Operation::gradient:
      return form.gradient;
    default:
      return form.fused;
  }
}

// Whether strips are quicker than blocks, which have the same bits. Not where x lies in L2 already; nor where a strip of 16
// rows doesn't stay in L1 until the next one is through: a column is a line or two of it, and columns a multiple of 4 KiB
// apart compete for the same set, of which one way is left for everything else.
bool walks_in_strips(const Layout& x, std::ptrdiff_t element_size) {
  constexpr std::uintptr_t kLine = 64, kSets = 64;
  if (x.d > kMostStripColumns || x.n * x.d * element_size <= caches().l2) return false;
  std::int64_t lines[kSets] = {};
  for (std::int64_t j = 0; j < x.d; ++j) {
    const auto address = reinterpret_cast<std::uintptr_t>(x.x + j * x.column_stride);
    ++lines[address / kLine % kSets];
    if (address % kLine != 0) ++lines[(address / kLine + 1) % kSets];
  }
  const std::int64_t ways = caches().l1 / static_cast<std::int64_t>(kLine * kSets);
  return *std::ranges::max_element(lines) < ways;
}

template <class T>
RunKernel<T> columns_kernel(const Layout& x, Operation operation) {
  const KernelTable<T>& table = kernels<T>();
  if (operation == Operation::fused) {
    if (x.d < kNarrowColumns) return (is_cached(x, sizeof(T)) ? table.cached_narrow : table.narrow).columns[x.d];
    if (walks_in_strips(x, sizeof(T))) return table.column_strips;
  }
  return part_of(table.columns, operation);
}

template <class T>
RunKernel<T> rows_kernel(const Layout& x, Operation operation) {
  const KernelTable<T>& table = kernels<T>();
  const bool cached = is_cached(x, sizeof(T));
  if (operation == Operation::fused && x.d < kNarrowRows<T>) {
    return (cached ? table.cached_narrow : table.narrow).rows[x.d];
  }
  return part_of(cached ? table.cached_rows : table.rows, operation);
}

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

template <class T>
Walk<T> choose_walk(const Layout& x, Operation operation) {
  const bool narrow = x.d < kNarrow;
  const std::int64_t block = column_block_rows(x.d, sizeof(T));
  // Rows shorter than 16 bytes are read together with what follows, which must be rows too.
  const bool at_once = operation == Operation::fused && x.rows && x.rows_follow;
  const bool by_columns = x.columns ? narrow || !x.rows : narrow && !at_once;
  if (by_columns) return {columns_kernel<T>(x, operation), Order::columns, block};
  return {rows_kernel<T>(x, operation), Order::rows, block};
}

template Walk<float> choose_walk<float>(const Layout&, Operation);
template Walk<double> choose_walk<double>(const Layout&, Operation);

}  // namespace gdfast
