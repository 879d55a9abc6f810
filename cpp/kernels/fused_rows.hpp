// More columns than Narrow takes, rows in memory: a register holds 16 columns of one row.
//
// Dot and gradient need x twice, but it is read from memory once: R rows are dotted with w on their way in, and the
// gradient takes them from the cache a step or two later, in the same loop over the columns. So there are always loads
// from memory under way while the FMAs of the gradient run, and w and the gradient's panel are touched once for R rows.
//
//        memory ─→ rows k+R … k+2R−1 ── · w ──→ R dot products ─→ R residuals (for the next step)
//        cache  ─→ rows k   … k+R−1  ── ×  r ─→ panel (16 columns at a time)
//
// The order of every addition is fixed by d alone, so R is free: a dot product has one sum a lane along the row (a new one
// after kTerms terms); an element of the gradient has a sum over four rows, and one down the fours of a chunk. (One chain
// down all rows would be bound by the latency of the FMA, 4 cycles a row, where d is small.)
#pragma once

#include "row_sums.hpp"
#include "streams.hpp"

namespace gdfast {
namespace {

// Where rows come from: memory, fetched ahead line by line in its order, or, where rows are so long that they lie far
// apart, each at its own place; or the cache.
enum class From { memory, far_memory, cache };

// Long: rows of more than kTerms registers.
template <class V, int R, Mode M, From F, bool Long>
class FusedRows : protected RowSums<V, M> {
  using Base = RowSums<V, M>;

 protected:
  using Base::L;
  using Base::row;
  using Base::run_;
  using typename Base::reg;
  using typename Base::T;

 private:
  static_assert(R % 4 == 0 && 3 * R <= Base::kKept);
  // From a row's dot to its gradient. Residuals take some 80 cycles, and from the cache a step takes no longer: there they
  // get a step to themselves. From memory that gains nothing and takes room in L1.
  static constexpr std::int64_t kDelay = F == From::cache ? 2 * R : R;
  static constexpr bool kFetch = F == From::memory;  // in the order of memory
  // The rows are read side by side, which no hardware prefetcher makes out: it fetched a third of what memory can
  // deliver on a Zen 4. So software fetches what comes next, line by line in the order of memory, into L2: whole steps
  // ahead, and no less than 16 KiB, of which 4 KiB are under way (40 GB/s × 100 ns) and the rest is margin. L1 is too
  // small for it, and shorter distances are caught up with.
  static constexpr std::ptrdiff_t kFetchAhead = 16 << 10;
  static constexpr std::ptrdiff_t kLine = 64;

 public:
  static void kernel(const Run<T>& run, Sums& sums) { FusedRows(run, sums).all(); }

 protected:
  FusedRows(const Run<T>& run, Sums& sums)
      : Base(run, sums), whole_(run.d / L * L), tail_(static_cast<int>(run.d - run.d / L * L)), fetch_(fetch(run)) {}

  void last_rows(std::int64_t i) {
    for (; i + 4 <= run_.n; i += 4) one_step<4>(i);
    for (; i < run_.n; ++i) one_step<1>(i);
  }

  // Some rows from start to end.
  template <int Rows>
  void one_step(std::int64_t i) {
    if constexpr (M == Mode::gradient) {
      this->template residuals<Rows>(i, V::zero());
    } else {
      sweep<Rows, true, false>(i, 0);
    }
    if constexpr (M != Mode::forward) {
      sweep<Rows, false, true>(0, i);
      this->added(i + Rows);
    }
  }

 private:
  const std::int64_t whole_;  // columns in whole registers
  const int tail_;            // columns after them
  // Where a step's first column begins to fetch, for row 0; how far that moves with a row, and with 16 columns.
  struct Fetched {
    const char* from;
    std::ptrdiff_t row, step;
  } const fetch_;
  template <int Rows>
  static constexpr int kSums = Rows < 4 ? 4 : Rows;

  static Fetched fetch(const Run<T>& run) {
    constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
    const std::ptrdiff_t row = run.row_stride * kSize;
    const std::ptrdiff_t gap = row - run.d * kSize;
    // What lies between the rows would be fetched too: from an eighth of them on that is left to the hardware, and the
    // instruction is given something harmless.
    if (gap < 0 || gap > kLine + row / 8) return {reinterpret_cast<const char*>(run.w), 0, 0};
    const std::ptrdiff_t step = R * row;
    return {reinterpret_cast<const char*>(run.x) + (kFetchAhead + step - 1) / step * step, row, R * kLine};
  }

  void all() {
    const std::int64_t n = run_.n;
    const std::int64_t steps = n / R * R;
    if constexpr (M == Mode::fused) {
      const std::int64_t begun = steps < kDelay ? steps : kDelay;
      std::int64_t i = 0;
      for (; i < begun; i += R) sweep<R, true, false>(i, 0);
      for (; i < steps; i += R) {
        sweep<R, true, true>(i, i - kDelay);
        this->added(i - kDelay + R);
      }
      for (i = steps - begun; i < steps; i += R) {
        sweep<R, false, true>(0, i);
        this->added(i + R);
      }
    } else {
      for (std::int64_t i = 0; i < steps; i += R) one_step<R>(i);
    }
    last_rows(steps);
    if constexpr (M != Mode::forward) this->finish();
  }

  // Dots rows from `next` on (leaving their residuals) and adds the gradient of rows from `previous` on.
  template <int Rows, bool Dot, bool Add>
  void sweep(std::int64_t next, std::int64_t previous) {
    Streams<T, Rows> in(row(Dot ? next : previous), run_.row_stride);
    Streams<T, Rows> back(row(Add ? previous : next), run_.row_stride);
    const char* ahead = fetch_.from + fetch_.row * next;
    reg q[Rows] = {};
    if constexpr (Add) {
      const T* const known = this->known(previous);
      GDFAST_UNROLL for (int i = 0; i < Rows; ++i) q[i] = V::broadcast(known[i]);
    }
    LongDots<V, kSums<Rows>> chains;
    reg dot[kSums<Rows>];
    std::int64_t j = 0;
    while (true) {
      const std::int64_t end = !Long || whole_ - j < kTerms * L ? whole_ : j + kTerms * L;
      GDFAST_UNROLL for (int i = 0; i < kSums<Rows>; ++i) dot[i] = V::zero();
      for (; j < end; j += L) {
        if constexpr (Add) add_columns<Rows>(back, q, j, L);
        if constexpr (Dot) dot_columns<Rows>(in, ahead, j, L, dot);
        in.advance();
        back.advance();
        if constexpr (kFetch) {
          ahead += fetch_.step;
          GDFAST_OPAQUE(ahead);
        }
      }
      if (!Long || j == whole_) break;
      if constexpr (Dot && Long) chains.add(dot);
    }
    if (tail_ != 0) {
      if constexpr (Add) add_columns<Rows>(back, q, whole_, tail_);
      if constexpr (Dot) dot_columns<Rows>(in, ahead, whole_, tail_, dot);
    }
    if constexpr (Dot && Long) this->template residuals<Rows>(next, chains.finish(dot));
    if constexpr (Dot && !Long) this->template residuals<Rows>(next, V::sum_rows(dot));
  }

  template <int Rows>
  GDFAST_INLINE void dot_columns(const Streams<T, Rows>& x, const char* ahead, std::int64_t j, int m,
                                 reg (&dot)[kSums<Rows>]) const {
    const reg w = V::load(run_.w + j);
    GDFAST_UNROLL for (int i = 0; i < Rows; ++i) {
      dot[i] = V::fma(load_rows<V>(x[i], m), w, dot[i]);
      // Far rows are as many streams to the hardware's prefetchers; a little way ahead of it is enough.
      if constexpr (F == From::far_memory) __builtin_prefetch(reinterpret_cast<const char*>(x[i]) + kNearBytes, 0, 3);
      // A tail of m columns is fewer lines than rows: more of them would be fetched twice.
      if constexpr (kFetch) {
        if (m == L || i * L < m * Rows) __builtin_prefetch(ahead + i * kLine, 0, 2);
      }
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
};

template <class V, int R, Mode M, From F>
void fused_rows(const Run<typename V::T>& run, Sums& sums) {
  if constexpr (M != Mode::gradient) {
    if (run.d / V::lanes > kTerms) return FusedRows<V, R, M, F, true>::kernel(run, sums);
  }
  FusedRows<V, R, M, F, false>::kernel(run, sums);
}

template <class V, int R, From F>
constexpr Parts<typename V::T> rows_form() {
  return {fused_rows<V, R, Mode::fused, F>, fused_rows<V, R, Mode::forward, F>, fused_rows<V, R, Mode::gradient, F>};
}

}  // namespace
}  // namespace gdfast
