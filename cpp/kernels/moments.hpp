// Sums of products in float64: of z = [x, 1, y], each column with each once, on whichever side of the diagonal.
//
// Every product is one FMA, every sum one chain over the rows of a block in their order. So neither the shape of the
// tiles, which each ISA chooses by its registers, nor the dtype of x shows in the bits. Of few columns:
// `narrow_moments.hpp`.
#pragma once

#include "kernel_table.hpp"
#include "register.hpp"
#include "widen.hpp"

namespace gdfast {
namespace {

// --- memory that will be needed next ---

// A kernel's own copy of where `Ahead` stands, in registers. Each tile fetches its share: all at once, lines queue for
// memory, and the first tiles wait behind them.
class Fetcher {
 public:
  GDFAST_INLINE Fetcher(Ahead& ahead, int products)
      : ahead_(ahead), next_(ahead.next), end_(ahead.end), into_l2_(ahead.into_l2) {
    const double due = ahead.due + products * ahead.a_product;
    lines_ = static_cast<int>(due);
    ahead.due = due - lines_;
  }
  GDFAST_INLINE ~Fetcher() {
    ahead_.next = next_;
    ahead_.end = end_;
    if (lines_ > 0) ahead_.due += lines_;  // of more than one for each row
  }
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // One cache line on its way.
  GDFAST_INLINE void line() {
    if (--lines_ < 0 || (next_ >= end_ && !next_run())) return;
    if (into_l2_) {
      __builtin_prefetch(next_, 0, 2);
    } else {
      __builtin_prefetch(next_, 0, 3);
    }
    next_ += 64;
  }

 private:
  Ahead& ahead_;
  const char *next_, *end_;
  int lines_;
  bool into_l2_;

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

// --- many columns: a register holds columns of one row ---
//
//              right: C units                 Of each row come C units from the right side and R numbers from the left,
//            ┌────────┬────────┐              each broadcast; R · C FMAs follow, and nothing is stored before the block
//   left   a │ a·z₀…  │        │              ends. R · C hides the latency of the FMAs; R and C together decide how
//   R      b │ b·z₀…  │        │              many loads there are to one FMA: 1/R + 1/C. A unit is a machine register
//   columns  └────────┴────────┘              or several: where a strip has two, a tile of three begins or ends in its
//                                             middle.

template <class V>
using TileUnit = typename V::template Part<V::tile_unit>;

// Eight columns of the left with themselves, where a unit is a whole strip: below the diagonal nothing need be made, and for
// columns 4 to 7 the lower half of the unit lies there. Those have sums in registers of half the size.
//
//            ┌────────┐
//   left     │ a·z₀…₇ │  columns 0 to 3
//            └───┐    │
//                │b·z₄…₇  columns 4 to 7
//                └────┘
template <class V, int R>
constexpr bool halves_diagonal() {
  if constexpr (requires { typename V::Native::Upper; }) {
    return R == TileUnit<V>::lanes;
  } else {
    return false;
  }
}

template <class V, int R, bool Halved>
struct UpperSums {
  static constexpr bool has(int /*row*/) { return false; }
  GDFAST_INLINE void add(const double* /*left*/, const double* /*right*/) {}
  template <class Sums>
  GDFAST_INLINE void move_to(Sums& /*sum*/) const {}
};

template <class V, int R>
struct UpperSums<V, R, true> {
  using Half = Register<typename V::Native::Upper, 1>;
  static constexpr int kFirst = R / 2;
  typename Half::reg sum[R - kFirst];

  GDFAST_INLINE UpperSums() { GDFAST_UNROLL for (auto& s : sum) s = Half::zero(); }
  static constexpr bool has(int row) { return row >= kFirst; }
  GDFAST_INLINE void add(const double* left, const double* right) {
    const typename Half::reg z = Half::load(right + kFirst);
    GDFAST_UNROLL for (int r = kFirst; r < R; ++r) {
      sum[r - kFirst] = Half::fma(Half::broadcast(left[r]), z, sum[r - kFirst]);
    }
  }
  // Into the first unit of their rows, zeros below.
  template <class Sums>
  GDFAST_INLINE void move_to(Sums& to) const {
    GDFAST_UNROLL for (int r = kFirst; r < R; ++r) to[r][0].part[0] = V::Native::upper(sum[r - kFirst].part[0]);
  }
};

// What a block makes of a tile. Of its last unit `last` columns count, or all where there are more.
template <class Unit, int R, int C>
GDFAST_INLINE void add_to_sums(const typename Unit::reg (&sum)[R][C], double* out, std::ptrdiff_t stride, int last) {
  constexpr int L = Unit::lanes;
  GDFAST_UNROLL for (int r = 0; r < R; ++r, out += stride) {
    GDFAST_UNROLL for (int c = 0; c < C - 1; ++c) {
      Unit::store(out + c * L, Unit::add(Unit::load(out + c * L), sum[r][c]));
    }
  }
  out -= R * stride - (C - 1) * L;
  if (last >= L) {
    GDFAST_UNROLL for (int r = 0; r < R; ++r, out += stride)
        Unit::store(out, Unit::add(Unit::load(out), sum[r][C - 1]));
  } else {
    GDFAST_UNROLL for (int r = 0; r < R; ++r, out += stride) {
      Unit::store_first(out, last, Unit::add(Unit::load_first(out, last), sum[r][C - 1]));
    }
  }
}

// What is done beside the products of a tile.
struct Nothing {
  void start() const {}
  void next() const {}
};

template <class V, int R, int C, bool Halved = false, class Beside = Nothing>
__attribute__((noinline)) void tile(const Band& band, int column, std::int64_t first, Ahead& ahead,
                                    const Beside& given = {}) {
  using Unit = TileUnit<V>;
  using reg = typename Unit::reg;
  constexpr int L = Unit::lanes;
  // As variables of this function: memory that is written to might be the band's.
  const std::int64_t n = band.n, step = band.left_step;
  const double *left = band.left + column, *right[C];
  GDFAST_UNROLL for (int c = 0; c < C; ++c) {
    right[c] = band.right + (first + c * L) / kStrip * band.stride + (first + c * L) % kStrip;
  }
  reg sum[R][C];
  GDFAST_UNROLL for (int r = 0; r < R; ++r) GDFAST_UNROLL for (int c = 0; c < C; ++c) sum[r][c] = Unit::zero();
  UpperSums<V, R, Halved> upper;
  // Of a large matrix, sums come from far: they are asked for while the products are made.
  double* const out = band.out + column * band.out_stride + first;
  GDFAST_UNROLL for (int r = 0; r < R; ++r) {
    __builtin_prefetch(out + r * band.out_stride, 1, 3);
    if constexpr (C > 1) __builtin_prefetch(out + r * band.out_stride + (C - 1) * L, 1, 3);
  }
  Fetcher fetch(ahead, R * C * L);
  Beside beside = given;
  beside.start();
  GDFAST_TWICE for (std::int64_t at = 0; at < kStrip * n; at += kStrip) {
    fetch.line();
    beside.next();
    if constexpr (R < C) {
      reg a[R];
      GDFAST_UNROLL for (int r = 0; r < R; ++r) a[r] = Unit::broadcast(left[r]);
      GDFAST_UNROLL for (int c = 0; c < C; ++c) {
        const reg z = Unit::load(right[c] + at);
        GDFAST_UNROLL for (int r = 0; r < R; ++r) sum[r][c] = Unit::fma(a[r], z, sum[r][c]);
      }
    } else {
      reg z[C];
      GDFAST_UNROLL for (int c = 0; c < C; ++c) z[c] = Unit::load(right[c] + at);
      upper.add(left, right[0] + at);
      GDFAST_UNROLL for (int r = 0; r < R; ++r) {
        const reg a = Unit::broadcast(left[r]);
        GDFAST_UNROLL for (int c = upper.has(r) ? 1 : 0; c < C; ++c) sum[r][c] = Unit::fma(a, z[c], sum[r][c]);
      }
    }
    left += step;
  }
  upper.move_to(sum);
  add_to_sums<Unit>(sum, out, band.out_stride, static_cast<int>(band.width - first) - L * (C - 1));
}

// Few columns of the left are summed over more units, or there would be fewer chains than keep the FMAs busy.
template <class V, int R>
constexpr int kMostUnits = R <= 2 ? 2 * V::tile_units : V::tile_units;

// R columns of the left from `column` on, once or several times: a right side of C units is read again from the nearest
// cache.
template <class V, int R, int C>
GDFAST_INLINE void tiles_of_units(const Band& band, int column, int times, std::int64_t first, Ahead& ahead) {
  constexpr int L = TileUnit<V>::lanes;
  for (int k = 0; k < times; ++k, column += R) {
    if constexpr (R == L && C > 1) {
      // Where a strip has two units, the first is below the diagonal of columns 4 to 7.
      if (band.on_diagonal && first == 0 && column == L) {
        tile<V, R, C - 1>(band, column, L, ahead);
        continue;
      }
    }
    if constexpr (halves_diagonal<V, R>()) {
      if (band.on_diagonal && first == 0) {
        tile<V, R, C, true>(band, column, first, ahead);
        continue;
      }
    }
    tile<V, R, C>(band, column, first, ahead);
  }
}

// C units at a time, then what is left of them; but not one by itself, where two and two can be had.
template <class V, int R, int C>
void tiles(const Band& band, int column, int times, std::int64_t first, Ahead& ahead) {
  constexpr int L = TileUnit<V>::lanes;
  for (; first < band.width; first += L * C) {
    if constexpr (C > 1) {
      const std::int64_t units = (band.width - first + L - 1) / L;
      if (units < C || (C > 2 && units == C + 1)) return tiles<V, R, C - 1>(band, column, times, first, ahead);
    }
    tiles_of_units<V, R, C>(band, column, times, first, ahead);
  }
}

// C, but fewer where there are fewer units, or one more would be by itself.
template <class V, int R, int C, class Beside>
void first_tile(const Band& band, Ahead& ahead, const Beside& beside) {
  constexpr int L = TileUnit<V>::lanes;
  if constexpr (C > 1) {
    const std::int64_t units = (band.width + L - 1) / L;
    if (units < C || (C > 2 && units == C + 1)) return first_tile<V, R, C - 1>(band, ahead, beside);
  }
  static_assert(R == kStrip, "one tile has all columns of the left");
  tile<V, R, C, halves_diagonal<V, R>()>(band, 0, 0, ahead, beside);
  tiles<V, R, kMostUnits<V, R>>(band, 0, 1, L * C, ahead);
}

// Where sums leave registers for it, and a row's registers are few: with AVX2 it is no quicker.
template <class V>
constexpr bool widens_beside_products = DoubleOf<V>::registers >= 32;

// The band of the first eight columns, of rows that its first tile makes a panel of: meanwhile memory would be idle.
template <class V>
void band_of_rows(const Band& band, const RowsOfPanel<typename V::T>& rows, Ahead& ahead) {
  using D = DoubleOf<V>;
  first_tile<D, D::tile_columns, kMostUnits<D, D::tile_columns>>(band, ahead, Widener<V>(rows));
}

// As many columns of the left at a time as the ISA has registers for, then what is left of them.
template <class V, int R = V::tile_columns>
void band_sums(const Band& band, Ahead& ahead) {
  const int times = band.columns / V::tile_columns, rest = band.columns % V::tile_columns;
  if constexpr (R == V::tile_columns) {
    if (times > 0) tiles<V, R, kMostUnits<V, R>>(band, 0, times, 0, ahead);
    if (rest > 0) band_sums<V, R - 1>(band, ahead);
  } else if (rest == R) {
    tiles<V, R, kMostUnits<V, R>>(band, times * V::tile_columns, 1, 0, ahead);
  } else if constexpr (R > 1) {
    band_sums<V, R - 1>(band, ahead);
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

}  // namespace
}  // namespace gdfast
