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

// A kernel's own copy of where `Ahead` stands, in registers.
class Fetcher {
 public:
  explicit GDFAST_INLINE Fetcher(Ahead& ahead) : ahead_(ahead), next_(ahead.next), end_(ahead.end) {}
  GDFAST_INLINE ~Fetcher() {
    ahead_.next = next_;
    ahead_.end = end_;
  }
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // One cache line on its way.
  GDFAST_INLINE void line() {
    if (next_ >= end_ && !next_run()) return;
    __builtin_prefetch(next_, 0, 3);
    next_ += 64;
  }

 private:
  Ahead& ahead_;
  const char *next_, *end_;

  GDFAST_INLINE bool next_run() {
    if (ahead_.areas == 0) return false;
    Area& area = ahead_.area[ahead_.areas - 1];
    next_ = area.from;
    end_ = area.from + area.bytes;
    area.from += area.stride;
    if (--area.runs == 0) --ahead_.areas;
    return true;
  }
};

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
  Fetcher fetch(ahead);
  GDFAST_TWICE for (std::int64_t i = 0; i < band.n; ++i) {
    fetch.line();
    reg z[C];
    GDFAST_UNROLL for (int c = 0; c < C; ++c) z[c] = V::load(right + c * band.stride + kStrip * i);
    GDFAST_UNROLL for (int r = 0; r < R; ++r) {
      const reg a = V::broadcast(left[band.left_step * i + r]);
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
void scale(Panel from, std::int64_t strips, const double* tail, std::int64_t n, Panel to) {
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const double* const p = from.data + strip * from.stride;
    double* const q = to.data + strip * to.stride;
    for (std::int64_t i = 0; i < n; ++i) {
      V::store(q + kStrip * i, V::mul(V::broadcast(tail[2 * i]), V::load(p + kStrip * i)));
    }
  }
}

template <class V>
void pick(Panel from, std::int64_t strips, const std::int64_t* rows, std::int64_t n, const double* origin, Panel to) {
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const double* const p = from.data + strip * from.stride;
    double* const q = to.data + strip * to.stride;
    const typename V::reg less = V::load(origin + strip * kStrip);
    for (std::int64_t i = 0; i < n; ++i) V::store(q + kStrip * i, V::sub(V::load(p + kStrip * rows[i]), less));
  }
}

// --- few columns: a register holds rows of one column ---
//
// Eight lanes, one chain of FMAs each, are one register or several. Where an ISA hasn't registers for all sums of all
// lanes, the block, which lies in L1, is walked several times: for some lanes of all rows of eight, and for some rows of
// the triangle. So the sums stay in registers, and few columns come in for many products.
//
//          x₀ x₁ x₂ x₃ 1  y           d = 4 with sixteen registers of four lanes: four walks
//      x₀  ■  ■  ■  ■  ■  ■  ┐
//      x₁     ■  ■  ■  ■  ■  ┘ 11     once for lanes 0 to 3, once for lanes 4 to 7
//      x₂        ■  ■  ■  ■  ┐
//      x₃           ■  ■  ■  │ 9      likewise
//      1               n  ■  │
//      y                  ■  ┘

template <int D, bool Weighted>
struct Triangle {
  static constexpr int Z = D + 2;

  // Without weights 1 times 1 is known: the rows.
  static constexpr bool is_count(int j, int k) { return !Weighted && j == D && k == D; }
  // How many sums there are left of and above (j, k), of rows from `first` on.
  static constexpr int before(int first, int j, int k) {
    int count = 0;
    for (int row = first; row <= j; ++row) {
      for (int column = row; column < (row < j ? Z : k); ++column) count += is_count(row, column) ? 0 : 1;
    }
    return count;
  }
  static constexpr int sums(int first, int end) { return before(first, end - 1, Z); }
  // As many rows from `first` on as leave `most` sums or fewer; one, if even that is more.
  static constexpr int end(int first, int most) {
    int row = first + 1;
    while (row < Z && sums(first, row + 1) <= most) ++row;
    return row;
  }
};

// How many of the registers of eight lanes there is room for `sums` times.
template <class V>
constexpr int parts_for(int sums) {
  int parts = V::parts;
  while (parts > 1 && parts * sums > V::narrow_sums) parts /= 2;
  return parts;
}

// Adds rows i, i + 1, … of the block, of which the first m count, to the sums of rows First to End − 1 of the triangle.
template <class Part, class T, int D, bool Weighted, int First, int End, int Sums>
GDFAST_INLINE void add_rows(const NarrowBlock<T>& block, const double* origins, std::int64_t i, int m,
                            typename Part::reg (&sum)[Sums]) {
  using All = Triangle<D, Weighted>;
  using reg = typename Part::reg;
  constexpr int Z = All::Z, L = Part::lanes;
  const double* origin = origins;
  __asm__("" : "+r"(origin));
  const auto load = [&](const T* p) GDFAST_LAMBDA { return m == L ? Part::load(p) : Part::load_first(p, m); };
  const auto about = [&](const T* p, int k) GDFAST_LAMBDA {
    const reg difference = Part::sub(load(p), Part::load(origin + k * L));
    return m == L ? difference : Part::keep_first(difference, m);
  };
  reg left[End - First], s = Part::broadcast(1);
  if constexpr (Weighted) s = load(block.s + i);
  GDFAST_UNROLL for (int k = First; k < Z; ++k) {
    reg z = Part::broadcast(1);
    if (k != D) z = k < D ? about(block.x + k * block.stride + i, k) : about(block.y + i, D);
    if (k < End) left[k - First] = k == D ? s : Weighted ? Part::mul(s, z) : z;
    GDFAST_UNROLL for (int j = First; j < End && j <= k; ++j) {
      if (All::is_count(j, k)) continue;
      reg& to = sum[All::before(First, j, k)];
      // Times 1: the same bits, from another port.
      to = k == D ? Part::add(left[j - First], to) : Part::fma(left[j - First], z, to);
    }
  }
}

// Rows First, First + 1, … of the triangle, as many as there are registers for; then the rest.
template <class V, class T, int D, bool Weighted, int First>
GDFAST_INLINE void narrow_sums(const NarrowBlock<T>& block) {
  using All = Triangle<D, Weighted>;
  constexpr int Z = All::Z, kEnd = All::end(First, V::narrow_sums), kSums = All::sums(First, kEnd);
  using Part = typename V::template Part<parts_for<V>(kSums)>;
  using reg = typename Part::reg;
  constexpr int L = Part::lanes;
  constexpr bool kOneWalk = L == V::lanes;
  // From memory each time: in registers they would push sums out of them.
  double origins[(D + 1) * L];
  for (int k = 0; k <= D; ++k) Part::store(origins + k * L, Part::broadcast(k == D ? block.y_origin : block.origin[k]));
  double lanes[kSums][V::lanes];
  const auto walk = [&](int lane) GDFAST_LAMBDA {
    reg sum[kSums];
    GDFAST_UNROLL for (int e = 0; e < kSums; ++e) sum[e] = Part::zero();
    const auto add = [&](std::int64_t i, int m)
                         GDFAST_LAMBDA { add_rows<Part, T, D, Weighted, First, kEnd>(block, origins, i, m, sum); };
    std::int64_t i = lane;
    for (; i + L <= block.n; i += V::lanes) add(i, L);
    if (i < block.n) add(i, static_cast<int>(block.n - i));
    GDFAST_UNROLL for (int j = First; j < kEnd; ++j) {
      GDFAST_UNROLL for (int k = j; k < Z; ++k) {
        if (All::is_count(j, k)) continue;
        const int e = All::before(First, j, k);
        if constexpr (kOneWalk) {
          block.out[j * Z + k] += V::sum(sum[e]);
        } else {
          Part::store(lanes[e] + lane, sum[e]);
        }
      }
    }
  };
  for (int lane = 0; lane < V::lanes; lane += L) walk(lane);
  GDFAST_UNROLL for (int j = First; j < kEnd; ++j) {
    GDFAST_UNROLL for (int k = j; k < Z; ++k) {
      if (All::is_count(j, k)) {
        block.out[j * Z + k] += static_cast<double>(block.n);
      } else if constexpr (!kOneWalk) {
        block.out[j * Z + k] += V::sum(V::load(lanes[All::before(First, j, k)]));
      }
    }
  }
  if constexpr (kEnd < Z) narrow_sums<V, T, D, Weighted, kEnd>(block);
}

template <class V, class T, int D>
void narrow_moments(const NarrowBlock<T>& block) {
  if (block.s != nullptr) {
    narrow_sums<V, T, D, true, 0>(block);
  } else {
    narrow_sums<V, T, D, false, 0>(block);
  }
}

}  // namespace
}  // namespace gdfast
