// Sums of products in float64: of z = [x, 1, y], each column with each, upper triangle.
//
// Every product is one FMA, every sum one chain over the rows of a block in their order. So neither the shape of the
// tiles, which each ISA chooses by its registers, nor the dtype of x shows in the bits.
#pragma once

#include "kernel_table.hpp"
#include "register.hpp"

namespace gdfast {
namespace {

// --- memory that will be needed next ---

inline bool next_run(Ahead& ahead) {
  while (ahead.areas > 0) {
    Area& area = ahead.area[ahead.areas - 1];
    if (area.runs == 0) {
      --ahead.areas;
      continue;
    }
    ahead.next = area.from;
    ahead.end = area.from + area.bytes;
    area.from += area.stride;
    --area.runs;
    return true;
  }
  return false;
}

// One cache line on its way to L2.
GDFAST_INLINE void fetch_line(Ahead& ahead) {
  if (ahead.next >= ahead.end && !(ahead.areas > 0 && next_run(ahead))) return;
  __builtin_prefetch(ahead.next, 0, 2);
  ahead.next += 64;
}

// --- many columns: a register holds eight columns of one row ---
//
//              right: C strips                Of each row come C registers from the right side and R numbers from the
//            ┌────────┬────────┐              left, each broadcast; R · C FMAs follow, and nothing is stored before
//   left   a │ a·z₀…₇ │ a·z₈…₁₅│              the block ends. R · C hides the latency of the FMAs; R and C together
//   R      b │ b·z₀…₇ │        │              decide how many loads there are to one FMA: 1/R + 1/C.
//   columns  └────────┴────────┘

template <class V, int R, int C>
GDFAST_INLINE void tile(const Band& band, const double* left, const double* right, std::int64_t width, double* out,
                        Ahead& ahead) {
  using reg = typename V::reg;
  reg sum[R][C];
  GDFAST_UNROLL for (int r = 0; r < R; ++r) GDFAST_UNROLL for (int c = 0; c < C; ++c) sum[r][c] = V::zero();
  for (std::int64_t i = 0; i < band.n; ++i) {
    fetch_line(ahead);
    reg z[C];
    GDFAST_UNROLL for (int c = 0; c < C; ++c) z[c] = V::load(right + c * band.stride + kStrip * i);
    GDFAST_UNROLL for (int r = 0; r < R; ++r) {
      const reg a = V::broadcast(left[kStrip * i + r]);
      GDFAST_UNROLL for (int c = 0; c < C; ++c) sum[r][c] = V::fma(a, z[c], sum[r][c]);
    }
  }
  GDFAST_UNROLL for (int r = 0; r < R; ++r) {
    GDFAST_UNROLL for (int c = 0; c < C; ++c) {
      double* const p = out + r * band.out_stride + kStrip * c;
      const int m = static_cast<int>(width - kStrip * c);
      if (m >= kStrip) {
        V::store(p, V::add(V::load(p), sum[r][c]));
      } else {
        V::store_first(p, m, V::add(V::load_first(p, m), sum[r][c]));
      }
    }
  }
}

// R columns with all strips: as many strips at a time as the ISA has registers for, then what is left of them.
template <class V, int N, int R, int C>
__attribute__((noinline)) void tiles(const Band& band, int column, std::int64_t first, Ahead& ahead) {
  for (; first < band.width; first += kStrip * C) {
    const std::int64_t width = band.width - first;
    if constexpr (C > 1) {
      if (width <= kStrip * (C - 1)) return tiles<V, N, R, C - 1>(band, column, first, ahead);
    }
    tile<V, R, C>(band, band.left + column, band.right + first / kStrip * band.stride, width,
                  band.out + column * band.out_stride + first, ahead);
  }
}

template <class V, int N, int R>
GDFAST_INLINE void some_columns(const Band& band, int column, int count, Ahead& ahead) {
  if (count == R) return tiles<V, N, R, N>(band, column, 0, ahead);
  if constexpr (R > 1) some_columns<V, N, R - 1>(band, column, count, ahead);
}

template <class V>
void band_sums(const Band& band, Ahead& ahead) {
  constexpr int R = V::tile_columns;
  for (int column = 0; column < band.columns; column += R) {
    some_columns<V, V::tile_strips, R>(band, column, band.columns - column < R ? band.columns - column : R, ahead);
  }
}

template <class V>
void scale(const Panel& from, std::int64_t strips, const double* s, std::int64_t n, const Panel& to) {
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const double* const p = from.data + strip * from.stride;
    double* const q = to.data + strip * to.stride;
    for (std::int64_t i = 0; i < n; ++i) {
      V::store(q + kStrip * i, V::mul(V::broadcast(s[i]), V::load(p + kStrip * i)));
    }
  }
}

// --- few columns: a register holds eight rows of one column ---

// The upper triangle row by row.
template <int Size>
struct Triangle {
  static constexpr int count = Size * (Size + 1) / 2;
  int row[count], column[count];
  constexpr Triangle() : row{}, column{} {
    for (int e = 0, j = 0; j < Size; ++j) {
      for (int k = j; k < Size; ++k, ++e) row[e] = j, column[e] = k;
    }
  }
};

// The sums from entry First on of the triangle, as many as there are registers for; then the rest.
template <class V, int D, int First>
GDFAST_INLINE void narrow_sums(const NarrowBlock& block, Ahead& ahead) {
  using reg = typename V::reg;
  constexpr int L = V::lanes;
  constexpr int Z = D + 2;
  constexpr Triangle<Z> triangle;
  constexpr int kLeft = triangle.count - First;
  constexpr int kSums = kLeft < V::narrow_sums ? kLeft : V::narrow_sums;
  reg sum[kSums];
  GDFAST_UNROLL for (int e = 0; e < kSums; ++e) sum[e] = V::zero();
  for (std::int64_t i = 0; i < block.n; i += L) {
    const int m = block.n - i < L ? static_cast<int>(block.n - i) : L;
    GDFAST_UNROLL for (int k = 0; k <= Z; ++k) fetch_line(ahead);
    const auto load = [m](const double* p) GDFAST_LAMBDA { return m == L ? V::load(p) : V::load_first(p, m); };
    reg z[Z], q[Z];
    GDFAST_UNROLL for (int k = 0; k < D; ++k) z[k] = load(block.x + k * block.stride + i);
    z[D] = V::keep_first(V::broadcast(1.0), m);
    z[D + 1] = load(block.y + i);
    if (block.s == nullptr) {
      GDFAST_UNROLL for (int k = 0; k < Z; ++k) q[k] = z[k];
    } else {
      const reg s = load(block.s + i);
      GDFAST_UNROLL for (int k = 0; k < Z; ++k) q[k] = V::mul(s, z[k]);
    }
    GDFAST_UNROLL for (int e = 0; e < kSums; ++e) {
      sum[e] = V::fma(q[triangle.row[First + e]], z[triangle.column[First + e]], sum[e]);
    }
  }
  GDFAST_UNROLL for (int e = 0; e < kSums; ++e) {
    block.out[triangle.row[First + e] * Z + triangle.column[First + e]] += V::sum(sum[e]);
  }
  if constexpr (First + kSums < triangle.count) narrow_sums<V, D, First + kSums>(block, ahead);
}

template <class V, int D>
void narrow_moments(const NarrowBlock& block, Ahead& ahead) {
  narrow_sums<V, D, 0>(block, ahead);
}

}  // namespace
}  // namespace gdfast
