// What of columns in memory pays on this machine: strips or blocks, and blocks of how many rows.
#pragma once

#include <algorithm>
#include <cstdint>

#include "blocks.hpp"
#include "machine.hpp"
#include "source.hpp"

namespace gdfast {

// Whether strips that stay in L1, or are kept there, are quicker than blocks. Not where x lies in L2 already; nor, of many columns, where near
// lines do as well for blocks; nor where a CPU doesn't follow so many.
template <class T>
bool strips_pay(const Layout& x) {
  constexpr std::int64_t kMostNear = 40;
  if (!follows_many_columns() || (fetches_near() && x.d > kMostNear)) return false;
  return x.n * row_bytes<T>(x) > caches().l2;
}

// Whether they do, and a strip of 16 rows stays in L1 until the next one is through: a column is a line or two of it, and
// columns a multiple of 4 KiB apart compete for the same set, of which one way is left for everything else.
template <class T>
bool strips_stay(const Layout& x) {
  if (!strips_pay<T>(x)) return false;
  constexpr std::uintptr_t kLine = 64, kSets = 64;
  std::int64_t lines[kSets] = {};
  for (std::int64_t j = 0; j < x.d; ++j) {
    const auto address = reinterpret_cast<std::uintptr_t>(x.x + j * x.column_stride);
    ++lines[address / kLine % kSets];
    if (address % kLine != 0) ++lines[(address / kLine + 1) % kSets];
  }
  const std::int64_t ways = caches().l1 / static_cast<std::int64_t>(kLine * kSets);
  return *std::ranges::max_element(lines) < ways;
}

// A block is read twice. The second time from L2, where its pieces are then long enough for memory: in rows. Measured on
// one CPU with 2 MiB; from 3/8 of it on lines are gone before they are read again, since hardware fetches beyond a piece.
template <class T>
std::int64_t block_rows_in_l2(const Layout& x) {
  return caches().l2 * 5 / 16 / row_bytes<T>(x) / kLanes<float> * kLanes<float>;
}

// As long as pieces want to be, or as short as the cache has them, for whoever doesn't look closer.
inline std::int64_t most_block_rows() { return fetches_near() ? kSumRows : kMostBlockRows; }

template <class T>
bool pieces_are_long(std::int64_t rows) {
  return rows * static_cast<std::int64_t>(sizeof(T)) >= 640;
}

// Rows a block, for one segment, of which all have about as many. Where near lines don't pay long pieces do, and L3 is
// near.
template <class T>
std::int64_t column_block_rows(const Layout& x) {
  if (!fetches_near()) return kMostBlockRows;
  const std::int64_t most = block_rows_in_l2<T>(x), rows = cut(x.n, x.d, sizeof(T)).rows;
  const bool cached = x.n * row_bytes<T>(x) <= caches().l2;
  if (cached || most >= kSumRows || !pieces_are_long<T>(most)) return kSumRows;
  const std::int64_t blocks = std::max<std::int64_t>((rows + most / 2) / most, 1);
  return std::min(kSumRows, (rows / blocks / kLanes<float> + 1) * kLanes<float>);
}

// Whether it is quicker to read x twice from memory, in long pieces, than once in short ones.
template <class T>
bool blocks_are_short(const Layout& x) {
  if (!x.columns || x.n * row_bytes<T>(x) <= caches().l2) return false;
  if (!fetches_near()) return row_bytes<T>(x) >= 16 << 10;
  return row_bytes<T>(x) > 4 << 10 && !pieces_are_long<T>(block_rows_in_l2<T>(x));
}

}  // namespace gdfast
