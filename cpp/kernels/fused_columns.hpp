// Columns in memory (Fortran order), where no other form takes them: a register holds 16 rows of one column.
//
// A block of rows is walked twice, first for the predictions, then, from the cache, for the gradient; each walk takes a
// few columns at a time, so that few streams are open at once and r is touched once for all of them. While a block is
// worked on, the rows below it in the same columns are fetched: half of the columns in each walk, to keep memory busy
// all the time. A block that L2 can't hold would have lost them again by the time it comes to them: there the columns
// beside are fetched, in both walks.
//
//              C columns                         C columns
//        block │ ↓ ↓ ↓ ↓ │ → r += w·x      block │ ↓ ↓ ↓ ↓ │ → sums of r·x, one register a column
//        next  │ fetch ½ │                 next  │ fetch ½ │
#pragma once

#include "residuals.hpp"
#include "streams.hpp"

namespace gdfast {
namespace {

template <class V, int C, Mode M>
struct FusedColumns {
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;
  static constexpr std::int64_t kChainColumns = kTerms * kTerms;  // before a prediction leaves T
  static constexpr std::int64_t kMaxBlock = 1024;

  static void kernel(const Run<T>& run, Sums& sums) { FusedColumns(run, sums).all(); }

 private:
  const Run<T>& run_;
  Sums& sums_;
  std::int64_t start_ = 0;  // first row of the block
  std::int64_t rows_ = 0;   // rows of the block
  const bool fetch_below_;
  alignas(64) T r_[kMaxBlock];
  alignas(64) T part_[kMaxBlock];
  alignas(64) double wide_[kMaxBlock];
  alignas(64) T chains_[C * L];  // the gradient's sums over kSumRows rows

  FusedColumns(const Run<T>& run, Sums& sums) : run_(run), sums_(sums), fetch_below_(run.fetch_below) {}

  void all() {
    for (; start_ < run_.n; start_ += run_.block_rows) {
      const std::int64_t left = run_.n - start_;
      rows_ = left < run_.block_rows ? left : run_.block_rows;
      if constexpr (M != Mode::gradient) predict();
      if constexpr (M != Mode::forward) {
        residuals();
        add_gradient_from<C>(0);
      }
    }
  }

  const T* column(std::int64_t j) const { return run_.x + j * run_.column_stride + start_; }

  // r = b + Σ w_j x_j, where the sum of kTerms columns is one term. Where there are many, sums of kTerms of those go to
  // float64.
  void predict() {
    for (std::int64_t i = 0; i < rows_; i += L) V::store(r_ + i, V::broadcast(run_.b));
    std::int64_t j = 0;
    for (; j + kTerms <= run_.d; j += kTerms) {
      if (j > 0 && j % kChainColumns == 0) widen(j == kChainColumns);
      predict_chain(j);
    }
    if (j < run_.d) {
      for (std::int64_t i = 0; i < rows_; i += L) V::store(part_ + i, V::zero());
      predict_from<C>(j);
      for (std::int64_t i = 0; i < rows_; i += L) V::store(r_ + i, V::add(V::load(r_ + i), V::load(part_ + i)));
    }
    if (j > kChainColumns) narrow();
    if constexpr (M == Mode::forward) {
      for (std::int64_t i = 0; i < rows_; i += L) V::store_first(run_.out + start_ + i, lanes_at(i), V::load(r_ + i));
    }
  }

  void widen(bool first) {
    for (std::int64_t i = 0; i < rows_; ++i) {
      wide_[i] = (first ? 0 : wide_[i]) + static_cast<double>(r_[i]);
      r_[i] = T(0);
    }
  }

  void narrow() {
    for (std::int64_t i = 0; i < rows_; ++i) r_[i] = static_cast<T>(wide_[i] + static_cast<double>(r_[i]));
  }

  // One chain of kTerms columns, C at a time, begun and ended without a walk of its own.
  void predict_chain(std::int64_t j) {
    constexpr std::int64_t kLast = kTerms - C;
    static_assert(C < kTerms && kTerms % C == 0);
    predict<C, true, false>(j);
    for (std::int64_t c = C; c < kLast; c += C) predict<C, false, false>(j + c);
    predict<C, false, true>(j + kLast);
  }

  // The last columns, `Columns` at a time, and half as many of what is left.
  template <int Columns>
  void predict_from(std::int64_t j) {
    for (; j + Columns <= run_.d; j += Columns) predict<Columns, false, false>(j);
    if constexpr (Columns > 1) predict_from<Columns / 2>(j);
  }

  template <int Columns, bool Begin, bool End>
  void predict(std::int64_t j) {
    fetch_below_ ? predict<Columns, (Columns + 1) / 2, Begin, End>(j) : predict<Columns, Columns, Begin, End>(j);
  }

  template <int Columns, int Fetched, bool Begin, bool End>
  void predict(std::int64_t j) {
    reg w[Columns];
    GDFAST_UNROLL for (int c = 0; c < Columns; ++c) w[c] = V::broadcast(run_.w[j + c]);
    walk<Columns, Fetched>(j, 0, 0, rows_, [&](std::int64_t i, int m, const Streams<T, Columns>& x) GDFAST_LAMBDA {
      reg part = Begin ? V::zero() : V::load(part_ + i);
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) part = V::fma(load_rows<V>(x[c], m), w[c], part);
      if constexpr (End) {
        V::store(r_ + i, V::add(V::load(r_ + i), part));
      } else {
        V::store(part_ + i, part);
      }
    });
  }

  void residuals() {
    WideSums<V> wide;
    wide.clear();
    each([&](std::int64_t i, int m) GDFAST_LAMBDA {
      reg r;
      if constexpr (M == Mode::gradient) {
        r = load_rows<V>(run_.y_pred + start_ + i, m);
      } else {
        r = V::load(r_ + i);
      }
      r = V::sub(r, load_rows<V>(run_.y + start_ + i, m));
      if (m != L) r = V::keep_first(r, m);
      V::store(r_ + i, wide.add(run_, start_ + i, m, r));
    });
    wide.flush(sums_);
  }

  template <int Columns>
  void add_gradient_from(std::int64_t j) {
    for (; j + Columns <= run_.d; j += Columns) {
      fetch_below_ ? add_gradient<Columns, Columns / 2>(j) : add_gradient<Columns, Columns>(j);
    }
    if constexpr (Columns > 1) add_gradient_from<Columns / 2>(j);
  }

  template <int Columns, int Fetched>
  void add_gradient(std::int64_t j) {
    if (rows_ <= kSumRows) return add_gradient_chain<Columns, Fetched, true>(j, 0, rows_);
    for (std::int64_t start = 0; start < rows_; start += kSumRows) {
      const std::int64_t end = rows_ - start < kSumRows ? rows_ : start + kSumRows;
      add_gradient_chain<Columns, Fetched, false>(j, start, end);
    }
  }

  // One chain of each column, down the block's rows from `start` to `end`.
  template <int Columns, int Fetched, bool Alone>
  void add_gradient_chain(std::int64_t j, std::int64_t start, std::int64_t end) {
    constexpr int kSums = Columns < 4 ? 4 : Columns;
    reg grad[kSums];
    GDFAST_UNROLL for (int c = 0; c < kSums; ++c) grad[c] = V::zero();
    walk<Columns, Fetched>(
        j, (Columns + 1) / 2, start, end, [&](std::int64_t i, int m, const Streams<T, Columns>& x) GDFAST_LAMBDA {
          const reg r = V::load(r_ + i);
          GDFAST_UNROLL for (int c = 0; c < Columns; ++c) grad[c] = V::fma(r, load_rows<V>(x[c], m), grad[c]);
        });
    if (!Alone && start > 0) {
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) grad[c] = V::add(V::load(chains_ + c * L), grad[c]);
    }
    if (!Alone && end < rows_) {
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) V::store(chains_ + c * L, grad[c]);
      return;
    }
    GDFAST_UNROLL for (int c = 0; c < kSums; c += 4) {
      add_sums<V>({grad[c], grad[c + 1], grad[c + 2], grad[c + 3]}, Columns - c, sums_.grad + j + c);
    }
  }

  int lanes_at(std::int64_t i) const { return static_cast<int>(rows_ - i < L ? rows_ - i : L); }

  // Calls body(i, m, x) for each register of the block's rows from `start` to `end`, with x the streams of `Columns`
  // columns from j on; only the last has m < L. Fetches meanwhile, into L2 only: L1 is busy with this block.
  template <int Columns, int Fetched, class Body>
  GDFAST_INLINE void walk(std::int64_t j, std::int64_t half, std::int64_t start, std::int64_t end, Body body) const {
    Streams<T, Columns> x(column(j) + start, run_.column_stride);
    Streams<T, Fetched == 0 ? 1 : Fetched> next((Fetched == 0 ? column(j) : fetch_from(j, half)) + start,
                                                run_.column_stride);
    const std::int64_t whole = end / L * L;
    for (std::int64_t i = start; i < whole; i += L) {
      GDFAST_UNROLL for (int c = 0; c < Fetched; ++c) __builtin_prefetch(next[c], 0, 2);
      body(i, L, x);
      x.advance();
      next.advance();
    }
    if (whole < end) body(whole, static_cast<int>(end - whole), x);
  }

  const T* fetch_from(std::int64_t j, std::int64_t half) const {
    if (!fetch_below_) return column(j + 2 * C < run_.d ? j + 2 * C : j);
    return column(j + half) + (start_ + rows_ < run_.n ? rows_ : 0);
  }

  // Calls body(i, m) for each register of the block's rows; only the last has m < L.
  template <class Body>
  GDFAST_INLINE void each(Body body) const {
    for (std::int64_t i = 0; i < rows_; i += L) body(i, lanes_at(i));
  }
};

template <class V, int C>
constexpr Parts<typename V::T> columns_form() {
  return {FusedColumns<V, C, Mode::fused>::kernel, FusedColumns<V, C, Mode::forward>::kernel,
          FusedColumns<V, C, Mode::gradient>::kernel};
}

}  // namespace
}  // namespace gdfast
