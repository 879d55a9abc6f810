// Sixteen columns or more, rows in memory: a register holds 16 columns of one row.
//
// Dot and gradient need x twice, but it is read from memory once: R rows are dotted with w on their way in, and the
// gradient takes them from the cache a step later, in the same loop over the columns. So there are always loads
// from memory under way while the FMAs of the gradient run, and w and the gradient's panel are touched once for R rows.
//
//        memory ─→ rows k+R … k+2R−1 ── · w ──→ R dot products ─→ R residuals (for the next step)
//        cache  ─→ rows k   … k+R−1  ── ×  r ─→ panel (16 columns at a time)
//
// The order of every addition is fixed by d alone, so R is free: a dot product has one sum a lane along the row (cut
// after kChain terms); an element of the gradient has a sum over four rows, and one down the fours of a chunk. (One chain
// down all rows would be bound by the latency of the FMA, 4 cycles a row, where d is small.)
#pragma once

#include "residuals.hpp"
#include "streams.hpp"

namespace gdfast {
namespace {

template <class V, int R, Mode M>
struct FusedRows {
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;
  // Terms a sum in T may have before it is folded (along a row) or moved to float64 (down the rows): rounding errors
  // then stay below 256 · eps / 2 in the worst case and near √256 · eps / 4 in practice.
  static constexpr std::int64_t kChain = 256;
  static_assert(kRunRows % kChain == 0 && kChain % L == 0 && R % 4 == 0);
  static constexpr int kSums = V::rows_at_a_time;
  // The rows are read side by side, which no hardware prefetcher makes out: it fetched a third of what memory can
  // deliver on a Zen 4. So software fetches what comes next, line by line in the order of memory, into L2: whole steps
  // ahead, and no less than 16 KiB, of which 4 KiB are under way (40 GB/s × 100 ns) and the rest is margin. L1 is too
  // small for it, and shorter distances are caught up with.
  static constexpr std::ptrdiff_t kFetchAhead = 16 << 10;
  static constexpr std::ptrdiff_t kLine = 64;

  static void kernel(const Run<T>& run, Sums& sums) { FusedRows(run, sums).all(); }

 private:
  const Run<T>& run_;
  Sums& sums_;
  const std::int64_t whole_;  // columns in whole registers
  const int tail_;            // columns after them
  // Where a step's first column begins to fetch, for row 0; how far that moves with a row, and with 16 columns.
  struct Fetch {
    const char* from;
    std::ptrdiff_t row, step;
  } const fetch_;
  WideSums<V> wide_;
  // Residuals and weighted residuals of 16 rows; row i of the run is at i mod 16. Then room for what a store of a whole
  // register leaves beyond them.
  alignas(64) T r_[2 * L] = {};
  alignas(64) T q_[2 * L] = {};

  FusedRows(const Run<T>& run, Sums& sums)
      : run_(run),
        sums_(sums),
        whole_(run.d / L * L),
        tail_(static_cast<int>(run.d - run.d / L * L)),
        fetch_(fetch(run)) {
    wide_.clear();
    if constexpr (M != Mode::forward) {
      for (std::int64_t j = 0; j < run.d + L - tail_; ++j) run.panel[j] = T(0);
    }
  }

  static Fetch fetch(const Run<T>& run) {
    constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
    const std::ptrdiff_t row = run.row_stride * kSize;
    const std::ptrdiff_t gap = row - run.d * kSize;
    // What lies between the rows would be fetched too: from an eighth of them on that is left to the hardware, and the
    // instruction is given something harmless.
    if (gap < 0 || gap > kLine + row / 8) return {reinterpret_cast<const char*>(run.w), 0, 0};
    const std::ptrdiff_t step = R * row;
    return {reinterpret_cast<const char*>(run.x) + (kFetchAhead + step - 1) / step * step, row, R * kLine};
  }

  const T* row(std::int64_t i) const { return run_.x + i * run_.row_stride; }

  void all() {
    const std::int64_t n = run_.n;
    if constexpr (M == Mode::fused) {
      const std::int64_t steps = n / R * R;
      if (steps > 0) {
        sweep<R, true, false>(0, 0);
        for (std::int64_t i = R; i < steps; i += R) {
          sweep<R, true, true>(i, i - R);
          added(i);
        }
        sweep<R, false, true>(0, steps - R);
        added(steps);
      }
      last_rows(steps);
    } else {
      std::int64_t i = 0;
      for (; i + R <= n; i += R) one_step<R>(i);
      last_rows(i);
    }
    if constexpr (M != Mode::forward) finish();
  }

  void last_rows(std::int64_t i) {
    if (i + 4 <= run_.n) {
      one_step<4>(i);
      i += 4;
    }
    for (; i < run_.n; ++i) one_step<1>(i);
  }

  // Some rows from start to end.
  template <int Rows>
  void one_step(std::int64_t i) {
    if constexpr (M == Mode::gradient) {
      residuals<Rows>(i, V::zero());
    } else {
      sweep<Rows, true, false>(i, 0);
    }
    if constexpr (M != Mode::forward) {
      sweep<Rows, false, true>(0, i);
      added(i + Rows);
    }
  }

  // Dots rows from `next` on (leaving their residuals) and adds the gradient of rows from `previous` on.
  template <int Rows, bool Dot, bool Add>
  void sweep(std::int64_t next, std::int64_t previous) {
    Streams<T, Rows> in(row(Dot ? next : previous), run_.row_stride);
    Streams<T, Rows> back(row(Add ? previous : next), run_.row_stride);
    const char* ahead = fetch_.from + fetch_.row * next;
    reg q[Rows] = {};
    if constexpr (Add) {
      const T* const known = q_ + (previous & (L - 1));
      GDFAST_UNROLL for (int i = 0; i < Rows; ++i) q[i] = V::broadcast(known[i]);
    }
    reg dots = V::zero();
    std::int64_t j = 0;
    do {
      const std::int64_t end = whole_ - j < kChain * L ? whole_ : j + kChain * L;
      reg dot[kSums];
      GDFAST_UNROLL for (int i = 0; i < kSums; ++i) dot[i] = V::zero();
      for (; j < end; j += L) {
        if constexpr (Add) add_columns<Rows>(back, q, j, L);
        if constexpr (Dot) dot_columns<Rows>(in, ahead, j, L, dot);
        in.advance();
        back.advance();
        ahead += fetch_.step;
        GDFAST_OPAQUE(ahead);
      }
      if (j == whole_ && tail_ != 0) {
        if constexpr (Add) add_columns<Rows>(back, q, j, tail_);
        if constexpr (Dot) dot_columns<Rows>(in, ahead, j, tail_, dot);
      }
      if constexpr (Dot) dots = V::add(dots, V::sum_rows(dot));
    } while (j < whole_);
    if constexpr (Dot) residuals<Rows>(next, dots);
  }

  template <int Rows>
  GDFAST_INLINE void dot_columns(const Streams<T, Rows>& x, const char* ahead, std::int64_t j, int m,
                                 reg (&dot)[kSums]) const {
    const reg w = V::load(run_.w + j);
    GDFAST_UNROLL for (int i = 0; i < Rows; ++i) {
      dot[i] = V::fma(load_rows<V>(x[i], m), w, dot[i]);
      __builtin_prefetch(ahead + i * kLine, 0, 2);
    }
  }

  template <int Rows>
  GDFAST_INLINE void add_columns(const Streams<T, Rows>& x, const reg (&q)[Rows], std::int64_t j, int m) const {
    reg grad = V::load(run_.panel + j);
    GDFAST_UNROLL for (int i = 0; i < Rows; i += 4) {
      reg four = V::mul(q[i], load_rows<V>(x[i], m));
      for (int k = i + 1; k < Rows && k < i + 4; ++k) four = V::fma(q[k], load_rows<V>(x[k], m), four);
      grad = V::add(grad, four);
    }
    V::store(run_.panel + j, grad);
  }

  template <int Rows>
  GDFAST_INLINE void residuals(std::int64_t i, reg dots) {
    reg r;
    if constexpr (M == Mode::gradient) {
      r = V::sub(V::load_first(run_.y_pred + i, Rows), V::load_first(run_.y + i, Rows));
    } else {
      r = V::add(dots, V::broadcast(run_.b));
      if constexpr (M == Mode::fused) r = V::sub(r, V::load_first(run_.y + i, Rows));
    }
    if constexpr (M == Mode::forward) {
      V::store_first(run_.out + i, Rows, r);
    } else {
      const int lane = static_cast<int>(i & (L - 1));
      if (lane == 0 && i > 0) add_up(i, L);
      // Whole registers, since masked stores take twenty times as long on some CPUs.
      V::store(r_ + lane, r);
      V::store(q_ + lane, run_.s != nullptr ? V::mul(V::load_first(run_.s + i, Rows), r) : r);
    }
  }

  // Adds up the m residuals before row `end`, a step after they were stored: a load that spans several stores waits
  // until they have left for the cache.
  GDFAST_INLINE void add_up(std::int64_t end, int m) {
    const reg r = V::load(r_);
    wide_.add(run_, end - m, m, m == L ? r : V::keep_first(r, m));
    if (end % kChain == 0) wide_.flush(sums_);
  }

  // The gradient of the run's first `rows` rows is in the panel.
  GDFAST_INLINE void added(std::int64_t rows) {
    if (rows % kChain == 0) flush_panel();
  }

  void flush_panel() {
    for (std::int64_t j = 0; j < run_.d; ++j) {
      sums_.grad[j] += static_cast<double>(run_.panel[j]);
      run_.panel[j] = T(0);
    }
  }

  void finish() {
    const int m = static_cast<int>(run_.n % L);
    add_up(run_.n, m == 0 ? L : m);
    wide_.flush(sums_);
    flush_panel();
  }
};

template <class V, int R>
constexpr Form<typename V::T> rows_form() {
  return {FusedRows<V, R, Mode::fused>::kernel, FusedRows<V, R, Mode::forward>::kernel,
          FusedRows<V, R, Mode::gradient>::kernel};
}

}  // namespace
}  // namespace gdfast
