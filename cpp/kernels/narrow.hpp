// Few columns: a register holds one column of 16 rows, so that no lane is idle whatever d is.
//
//            columns in memory                rows in memory, four columns of sixteen rows at a time
//        x₀ │ row i … row i+15 │       rows i, i+4, i+8, i+12 ─┐
//        x₁ │ row i … row i+15 │       rows i+1, i+5, …        ├─ 4 × 4 transposition in each 128-bit piece
//        …                             rows i+2, i+6, …        │  → four registers of one column each
//                                      rows i+3, i+7, …       ─┘
//
// The residual is a chain of d FMAs, the gradient one FMA a column, and both use the registers just loaded: one read.
// Where d is no multiple of the piece, the last piece overlaps the one before it, so that no row is read past its
// end. Below one piece the elements after a row are read and ignored; the last rows are copied first.
//
// Where 16 rows take so many instructions that few loads ahead of them fit into the window of the CPU, it waits for memory
// all the same: there software fetches. How is the CPU's affair: some want it far ahead and into L2, since L1 has too few
// buffers for what is under way; others near, into L1, and within a page or two.
#pragma once

#include "residuals.hpp"

namespace gdfast {
namespace {

// How few columns lie: as rows that are contiguous, or each contiguous, a stride apart or anywhere.
enum class Lie { rows, columns, listed };

// From how many columns on fetching helps was measured, R the speed of a sum. Far (Zen 4): rows of float32 go from 0.8 to
// 0.9 of R, on AVX2 from 0.65 to 0.8; eight rows of float64 in AVX-512 are so few instructions that it takes a fifth away.
// Near (Sapphire Rapids): always, from 0.75 to 0.87 in the median, where far gives 0.73.
template <class V>
constexpr int fetched_from(bool in_columns, Fetch fetch) {
  if (fetch == Fetch::near) return 1;
  if (in_columns) return 8;
  return V::registers >= 32 && sizeof(typename V::T) == 8 ? static_cast<int>(kNarrowRows<double>) : 5;
}

// What D columns have in common, wherever they lie.
template <class V, int D>
struct NarrowSums {
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;

  struct Weights {
    reg w[D], b;
  };
  struct Totals {
    reg grad[D];
    FewSums<V> few;
    WideSums<V> wide;

    GDFAST_INLINE void begin_chain() { GDFAST_UNROLL for (int j = 0; j < D; ++j) grad[j] = V::zero(); }
    GDFAST_INLINE void add_chain(const Totals& chain) {
      GDFAST_UNROLL for (int j = 0; j < D; ++j) grad[j] = V::add(grad[j], chain.grad[j]);
    }
  };

  static GDFAST_INLINE Weights weights_of(const Run<T>& run) {
    Weights weights;
    GDFAST_UNROLL for (int j = 0; j < D; ++j) weights.w[j] = V::broadcast(run.w[j]);
    weights.b = V::broadcast(run.b);
    return weights;
  }

  // Few: one of as many steps as are widened together.
  template <bool Few>
  static GDFAST_INLINE void step(const Run<T>& run, const Weights& weights, std::int64_t i, int m, const reg (&x)[D],
                                 Totals& total) {
    reg r = V::sub(weights.b, load_rows<V>(run.y + i, m));
    GDFAST_UNROLL for (int j = 0; j < D; ++j) r = V::fma(x[j], weights.w[j], r);
    if (m != L) r = V::keep_first(r, m);
    const reg q = Few ? total.few.add(run, i, m, r, total.wide) : total.wide.add(run, i, m, r);
    GDFAST_UNROLL for (int j = 0; j < D; ++j) total.grad[j] = V::fma(q, x[j], total.grad[j]);
  }

  // Fewer rows than a register has lanes. They are copied first, with zeros for those that are missing. They come once
  // in a run, so that one text serves for however the columns lie.
  __attribute__((noinline)) static void last_rows(const Run<T>& run, Lie lie, const Weights& weights, std::int64_t i,
                                                  int m, bool few, Totals& total) {
    T copy[D][L] = {};
    const std::ptrdiff_t row_stride = lie == Lie::rows ? run.row_stride : 1;
    const std::ptrdiff_t column_stride = lie == Lie::rows ? 1 : run.column_stride;
    for (int j = 0; j < D; ++j) {
      const T* const column = lie == Lie::listed ? run.columns[j] : run.x + j * column_stride;
      for (int k = 0; k < m; ++k) copy[j][k] = load_one(column + (i + k) * row_stride);
    }
    reg x[D];
    GDFAST_UNROLL for (int j = 0; j < D; ++j) x[j] = V::load(copy[j]);
    few ? step<true>(run, weights, i, m, x, total) : step<false>(run, weights, i, m, x, total);
  }

  __attribute__((noinline)) static void flush(Totals& total, Sums& sums) {
    total.wide.flush(sums);
    GDFAST_UNROLL for (int j = 0; j < D; j += 4) {
      reg four[4];
      GDFAST_UNROLL for (int k = 0; k < 4; ++k) four[k] = j + k < D ? total.grad[j + k < D ? j + k : 0] : V::zero();
      add_sums<V>(four, D - j, sums.grad + j);
    }
    total.begin_chain();
  }
};

// Where D columns lie, and the rows at the end of a chain, which no kernel fetches ahead of: one text for all of them.
template <class V, int D, Lie X>
struct NarrowRows : NarrowSums<V, D> {
  using T = typename V::T;
  using reg = typename V::reg;
  using Common = NarrowSums<V, D>;
  using typename Common::Totals;
  using typename Common::Weights;
  static constexpr int L = V::lanes;
  static constexpr int G = V::group;
  static constexpr bool kInColumns = X != Lie::rows;
  // Rows whose other sums are widened together.
  static constexpr std::int64_t kFewRows = FewSums<V>::kSteps * L;
  static constexpr std::int64_t kOverread = !kInColumns && D < G ? G - D : 0;

  // From i to end, of which those before `safe` may be read a register at a time. Fewer than are widened together are
  // widened each, so that a handful of rows has all its digits.
  __attribute__((noinline)) static void last_of_chain(const Run<T>& run, const Weights& weights, std::int64_t i,
                                                      std::int64_t end, std::int64_t safe, Totals& total) {
    const bool few = end - i == kFewRows;
    if (few) {
      total.few.begin();
    } else {
      for (; i + L <= end && i + L <= safe; i += L) {
        reg x[D];
        load(run, i, x);
        Common::template step<false>(run, weights, i, L, x, total);
      }
    }
    for (; i < end; i += L) {
      Common::last_rows(run, X, weights, i, static_cast<int>(end - i < L ? end - i : L), few, total);
    }
    if (few) total.few.end(run, total.wide);
  }

  static GDFAST_INLINE void load(const Run<T>& run, std::int64_t i, reg (&x)[D]) {
    if constexpr (kInColumns) {
      GDFAST_UNROLL for (int j = 0; j < D; ++j) x[j] = V::load(column_of(run, j) + i);
    } else {
      load_transposed(run.x + i * run.row_stride, run.row_stride, x);
    }
  }

  static GDFAST_INLINE const T* column_of(const Run<T>& run, int j) {
    return X == Lie::listed ? run.columns[j] : run.x + j * run.column_stride;
  }

 private:
  static GDFAST_INLINE void load_transposed(const T* p, std::ptrdiff_t stride, reg (&x)[D]) {
    reg piece[G];
    GDFAST_UNROLL for (int c = 0; c + G <= D; c += G) {
      V::load_transposed(p + c, stride, piece);
      GDFAST_UNROLL for (int k = 0; k < G; ++k) x[c + k] = piece[k];
    }
    constexpr int kLeft = D % G;
    if constexpr (kLeft != 0) {
      constexpr int kFirst = D < G ? 0 : D - G;
      V::load_transposed(p + kFirst, stride, piece);
      GDFAST_UNROLL for (int k = 0; k < kLeft; ++k) x[D - kLeft + k] = piece[D - kLeft - kFirst + k];
    }
  }
};

template <class V, int D, Lie X, Fetch F>
struct Narrow : private NarrowRows<V, D, X> {
  using T = typename V::T;
  using reg = typename V::reg;
  using Rows = NarrowRows<V, D, X>;
  using Rows::kFewRows;
  using Rows::kInColumns;
  using Rows::L;
  using typename Rows::Totals;
  using typename Rows::Weights;
  // After a chunk the sums in T are moved to float64. A chain of additions in T may have 32, before it is added to the
  // chunk's.
  static constexpr std::int64_t kChunk = kRunRows;
  static_assert(kChunk % kSumRows == 0 && kSumRows % kFewRows == 0);
  // Far: 40 GB/s × 100 ns, 4 KiB, are under way; the rest is margin, of which D columns have less each.
  static constexpr std::ptrdiff_t kFetchAhead = kInColumns ? 1 << 10 : F == Fetch::near ? 2 << 10 : 16 << 10;

  static void kernel(const Run<T>& run, Sums& sums) {
    const Weights weights = Rows::weights_of(run);
    Totals total;
    total.begin_chain();
    total.wide.clear();
    for (std::int64_t start = 0; start < run.n; start += kChunk) {
      const std::int64_t end = run.n - start < kChunk ? run.n : start + kChunk;
      chunk(run, weights, start, end, total);
      Rows::flush(total, sums);
    }
  }

 private:
  static GDFAST_INLINE void chunk(const Run<T>& run, const Weights& weights, std::int64_t i, std::int64_t end,
                                  Totals& total) {
    const std::int64_t safe = end - (end == run.n ? Rows::kOverread : 0);
    Totals now;  // its address goes nowhere, so that it lives in registers
    now.wide = total.wide;
    while (i < end) {
      const std::int64_t chain_end = end - i < kSumRows ? end : i + kSumRows;
      const std::int64_t whole_end = chain_end < safe ? chain_end : safe;
      now.begin_chain();
      for (; i + kFewRows <= whole_end; i += kFewRows) {
        now.few.begin();
        for (std::int64_t k = 0; k < kFewRows; k += L) rows(run, weights, i + k, now);
        now.few.end(run, now.wide);
      }
      if (i < chain_end) {
        Totals rest = now;
        for (; i < chain_end; i += kFewRows) {
          const std::int64_t few_end = chain_end - i < kFewRows ? chain_end : i + kFewRows;
          Rows::last_of_chain(run, weights, i, few_end, safe, rest);
        }
        now = rest;
      }
      total.add_chain(now);
    }
    total.wide = now.wide;
  }

  static GDFAST_INLINE void rows(const Run<T>& run, const Weights& weights, std::int64_t i, Totals& total) {
    if constexpr (F != Fetch::none) fetch_ahead(run, i);
    reg x[D];
    Rows::load(run, i, x);
    Rows::template step<true>(run, weights, i, L, x, total);
  }

  static GDFAST_INLINE void fetch_ahead(const Run<T>& run, std::int64_t i) {
    if constexpr (kInColumns) {
      GDFAST_UNROLL for (int j = 0; j < D; ++j) fetch(Rows::column_of(run, j) + i);
    } else {
      // Sixteen rows are D lines, if nothing lies between them.
      const T* const ahead = run.row_stride == D ? run.x + i * D : run.w;
      GDFAST_UNROLL for (int k = 0; k < D; ++k) fetch(ahead + k * L);
    }
  }

  static GDFAST_INLINE void fetch(const T* p) {
    __builtin_prefetch(reinterpret_cast<const char*>(p) + kFetchAhead, 0, F == Fetch::near ? 3 : 2);
  }
};

template <class V, int D, Lie X, Fetch F>
constexpr RunKernel<typename V::T> narrow_kernel() {
#ifdef GDFAST_NO_FETCH
  return Narrow<V, D, X, Fetch::none>::kernel;
#else
  constexpr Fetch kHelpful = D >= fetched_from<V>(X != Lie::rows, F) ? F : Fetch::none;
  return Narrow<V, D, X, kHelpful>::kernel;
#endif
}

}  // namespace
}  // namespace gdfast
