// A block of columns, a few of them at a time from its first row to its last.
#pragma once

#include "register.hpp"
#include "streams.hpp"

namespace gdfast {
namespace {

// Places<T, Count> are the streams of so many columns: Streams, a stride apart, or ListedStreams.
template <class V, template <class, int> class Places>
class ColumnWalk {
 protected:
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;
  static constexpr bool kListed = std::is_same_v<Places<T, 1>, ListedStreams<T, 1>>;
  // Columns at a time, as many streams as hardware follows; for the gradient each has a sum.
  static constexpr int kDots = 8, kSums = 4;
  // How far ahead software fetches, in rows of a column: as much of all that are walked together in either walk. L2
  // answers late, too, though sooner than memory.
  static constexpr std::int64_t kDotsAhead = kNearBytes / static_cast<std::int64_t>(sizeof(T));
  static constexpr std::int64_t kSumsAhead = kDotsAhead * kDots / kSums;

  const Run<T>& run_;
  std::int64_t start_ = 0;  // first row of the block
  std::int64_t rows_ = 0;   // rows of the block

  // Where a walk will be: row i of a piece is followed by here[i] up to i = turn, and by there[i] from it on.
  struct Ahead {
    const T* here;
    const T* there;
    std::int64_t turn;
  };

  explicit ColumnWalk(const Run<T>& run) : run_(run) {}

  int lanes_at(std::int64_t i) const { return static_cast<int>(rows_ - i < L ? rows_ - i : L); }

  // Calls body(i, m, x) for each register of the block's rows from `start` to `end`, with x the streams of `Columns`
  // columns from j on; only the last has m < L.
  template <int Columns, class Body>
  GDFAST_INLINE void walk(std::int64_t j, std::int64_t start, std::int64_t end, const Ahead& ahead, Body body) const {
    Places<T, Columns> x(run_, j, start_ + start);
    const std::int64_t whole = end / L * L;
    const T* next = ahead.here;
    std::int64_t until = ahead.turn < whole ? ahead.turn : whole;
    for (std::int64_t i = start;;) {
      Streams<T, Columns> fetched(next + i, run_.column_stride);
      for (; i < until; i += L) {
        GDFAST_UNROLL for (int c = 0; c < Columns; ++c) __builtin_prefetch(fetched[c], 0, 3);
        body(i, L, x);
        x.advance();
        fetched.advance();
      }
      if (until == whole) break;
      until = whole;
      next = ahead.there;
    }
    if (whole < end) body(whole, static_cast<int>(end - whole), x);
  }

  // The same of listed columns: `next` are those whose beginnings are fetched at the end, from row next_row on.
  template <int Columns, class Body>
  GDFAST_INLINE void walk_listed(std::int64_t j, std::int64_t start, std::int64_t end, std::int64_t next,
                                 std::int64_t next_row, Body body) const {
    Places<T, Columns> x(run_, j, start_ + start), beginnings(run_, next, next_row);
    const std::int64_t whole = end / L * L;
    std::int64_t i = start;
    for (; i < whole - kDotsAhead; i += L) {
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) __builtin_prefetch(x[c] + kDotsAhead, 0, 3);
      body(i, L, x);
      x.advance();
    }
    for (; i < whole; i += L) {
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) __builtin_prefetch(beginnings[c], 0, 3);
      body(i, L, x);
      x.advance();
      beginnings.advance();
    }
    if (whole < end) body(whole, static_cast<int>(end - whole), x);
  }

  // So many rows ahead, where piece(k) is the k-th piece after the one at hand.
  template <class Piece>
  GDFAST_INLINE Ahead ahead_of(std::int64_t rows, Piece piece) const {
    const std::int64_t pieces = rows / rows_, rest = rows % rows_;
    return {piece(pieces) + rest, piece(pieces + 1) + rest - rows_, (rows_ - rest) / L * L};
  }

  // Beyond the last columns, and before the first, the next block's first ones follow.
  const T* piece_after(std::int64_t j) const { return j < run_.d ? column(j) : column(j - run_.d) + rows_; }
  const T* piece_before(std::int64_t j, std::int64_t columns) const {
    return columns <= j ? column(j - columns) : column(columns - j - 1) + rows_;
  }

 private:
  const T* column(std::int64_t j) const { return run_.x + j * run_.column_stride + start_; }
};

}  // namespace
}  // namespace gdfast
