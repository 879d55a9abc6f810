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
  // What must be under way to keep memory busy is bandwidth × latency: 20 to 40 GB/s × 80 ns is 2 to 3 KB. The hardware
  // sees several streams that jump from block to block and fetches too little by itself: without this 0.8 of the read
  // bandwidth, with it 0.9 (at d = 100; 1 and 4 KiB gain less).
  static constexpr std::ptrdiff_t kFetchAhead = 2048;

  static void kernel(const Run<T>& run, Sums& sums) { FusedRows(run, sums).all(); }

 private:
  const Run<T>& run_;
  Sums& sums_;
  const std::int64_t whole_;  // columns in whole registers
  const int tail_;            // columns after them
  WideSums<V> wide_;
  // Residuals and weighted residuals of 16 rows; row i of the run is at i mod 16.
  alignas(64) T r_[L] = {};
  alignas(64) T q_[L] = {};

  FusedRows(const Run<T>& run, Sums& sums)
      : run_(run), sums_(sums), whole_(run.d / L * L), tail_(static_cast<int>(run.d - run.d / L * L)) {
    wide_.clear();
    if constexpr (M != Mode::forward) {
      for (std::int64_t j = 0; j < run.d + L - tail_; ++j) run.panel[j] = T(0);
    }
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
    Step<Rows> step{Dot ? row(next) : nullptr, Add ? row(previous) : nullptr, run_.row_stride, run_.w, run_.panel, {}};
    if constexpr (Add) {
      GDFAST_UNROLL for (int i = 0; i < Rows; ++i) step.q[i] = V::broadcast(q_[(previous + i) & (L - 1)]);
    }
    reg dots = V::zero();
    std::int64_t j = 0;
    do {
      const std::int64_t end = whole_ - j < kChain * L ? whole_ : j + kChain * L;
      reg dot[kSums];
      GDFAST_UNROLL for (int i = 0; i < kSums; ++i) dot[i] = V::zero();
      for (; j < end; j += L) columns<Rows, Dot, Add>(step, j, L, dot);
      if (j == whole_ && tail_ != 0) columns<Rows, Dot, Add>(step, j, tail_, dot);
      if constexpr (Dot) dots = V::add(dots, V::sum_rows(dot));
    } while (j < whole_);
    if constexpr (Dot) residuals<Rows>(next, dots);
  }

  template <int Rows>
  struct Step {
    const T* in;    // rows to dot
    const T* back;  // rows whose residuals q are known
    std::ptrdiff_t stride;
    const T* w;
    T* panel;
    reg q[Rows];
  };

  template <int Rows, bool Dot, bool Add>
  static GDFAST_INLINE void columns(const Step<Rows>& step, std::int64_t j, int m, reg (&dot)[kSums]) {
    if constexpr (Dot) {
      const reg w = V::load(step.w + j);
      GDFAST_UNROLL for (int i = 0; i < Rows; ++i) {
        const T* const x = step.in + i * step.stride + j;
        dot[i] = V::fma(load_rows<V>(x, m), w, dot[i]);
        __builtin_prefetch(reinterpret_cast<const char*>(x) + kFetchAhead);
      }
    }
    if constexpr (Add) {
      reg grad = V::load(step.panel + j);
      GDFAST_UNROLL for (int i = 0; i < Rows; i += 4) {
        reg four = V::mul(step.q[i], load_rows<V>(step.back + i * step.stride + j, m));
        for (int k = i + 1; k < Rows && k < i + 4; ++k) {
          four = V::fma(step.q[k], load_rows<V>(step.back + k * step.stride + j, m), four);
        }
        grad = V::add(grad, four);
      }
      V::store(step.panel + j, grad);
    }
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
      V::store_first(r_ + lane, Rows, r);
      V::store_first(q_ + lane, Rows, run_.s != nullptr ? V::mul(V::load_first(run_.s + i, Rows), r) : r);
      i += Rows;
      if (i % L == 0) wide_.add(run_, i - L, L, V::load(r_));
      if (i % kChain == 0) wide_.flush(sums_);
    }
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
    if (m != 0) wide_.add(run_, run_.n - m, m, V::keep_first(V::load(r_), m));
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
