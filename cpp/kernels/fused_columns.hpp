// Columns in memory (Fortran order), where no other form takes them: a register holds 16 rows of one column.
//
// A block of rows is walked twice, first for the predictions, then, from the cache, for the gradient; each walk takes a
// few columns at a time, so that few streams are open at once and r is touched once for all of them. A column's piece is
// short, and lies on a page of its own: so software fetches a little ahead in each, and near a piece's end the beginnings
// of the next columns. The second walk begins with the columns that the first ended with, which the cache still has.
//
//                              C columns
//        predictions   block │ ↓ ↓ ↓ ↓ │ → → →   r += w·x                               (from memory)
//        gradient      block │ ← ← ← ↓ ↓ ↓ ↓ │   sums of r·x, one register a column     (from L2 or L3)
//
// Sums over rows leave T after kSumRows of them, whatever a block has: its length shows in the time alone.
#pragma once

#include "residuals.hpp"
#include "streams.hpp"

namespace gdfast {
namespace {

template <class V, Mode M>
struct FusedColumns {
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;
  static constexpr std::int64_t kChainColumns = kTerms * kTerms;  // before a prediction leaves T
  // Columns at a time, as many streams as hardware follows; for the gradient each has a sum.
  static constexpr int kDots = 8, kSums = V::rows_at_a_time;
  // In a column, of which 16 lines are ahead.
  static constexpr std::int64_t kAheadRows = (1 << 10) / static_cast<std::int64_t>(sizeof(T));

  static void kernel(const Run<T>& run, Sums& sums) { FusedColumns(run, sums).all(); }

 private:
  const Run<T>& run_;
  Sums& sums_;
  std::int64_t start_ = 0;  // first row of the block
  std::int64_t rows_ = 0;   // rows of the block
  alignas(64) T r_[kMostBlockRows];
  alignas(64) T part_[kMostBlockRows];
  alignas(64) double wide_[kMostBlockRows];

  FusedColumns(const Run<T>& run, Sums& sums) : run_(run), sums_(sums) {}

  void all() {
    for (; start_ < run_.n; start_ += run_.block_rows) {
      const std::int64_t left = run_.n - start_;
      rows_ = left < run_.block_rows ? left : run_.block_rows;
      if constexpr (M != Mode::gradient) predict();
      if constexpr (M != Mode::forward) {
        residuals();
        add_gradient();
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
      predict_from<kDots>(j);
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

  // One chain of kTerms columns, begun and ended without a walk of its own.
  void predict_chain(std::int64_t j) {
    static_assert(kTerms == 2 * kDots);
    predict<kDots, true, false>(j);
    predict<kDots, false, true>(j + kDots);
  }

  // The last columns, `Columns` at a time, and half as many of what is left.
  template <int Columns>
  void predict_from(std::int64_t j) {
    for (; j + Columns <= run_.d; j += Columns) predict<Columns, false, false>(j);
    if constexpr (Columns > 1) predict_from<Columns / 2>(j);
  }

  template <int Columns, bool Begin, bool End>
  void predict(std::int64_t j) {
    reg w[Columns];
    GDFAST_UNROLL for (int c = 0; c < Columns; ++c) w[c] = V::broadcast(run_.w[j + c]);
    fetching_walk<Columns>(j, [&](std::int64_t i, int m, const Streams<T, Columns>& x) GDFAST_LAMBDA {
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
    for (std::int64_t start = 0; start < rows_; start += kSumRows) {
      const std::int64_t end = rows_ - start < kSumRows ? rows_ : start + kSumRows;
      WideSums<V> wide;
      wide.clear();
      for (std::int64_t i = start; i < end; i += L) residual(i, lanes_at(i), wide);
      wide.flush(sums_);
    }
  }

  GDFAST_INLINE void residual(std::int64_t i, int m, WideSums<V>& wide) {
    reg r;
    if constexpr (M == Mode::gradient) {
      r = load_rows<V>(run_.y_pred + start_ + i, m);
    } else {
      r = V::load(r_ + i);
    }
    r = V::sub(r, load_rows<V>(run_.y + start_ + i, m));
    if (m != L) r = V::keep_first(r, m);
    V::store(r_ + i, wide.add(run_, start_ + i, m, r));
  }

  // The last columns first.
  void add_gradient() {
    const std::int64_t whole = run_.d / kSums * kSums;
    add_gradient_from<kSums / 2>(whole);
    for (std::int64_t j = whole - kSums; j >= 0; j -= kSums) add_gradient<kSums>(j);
  }

  template <int Columns>
  void add_gradient_from(std::int64_t j) {
    for (; j + Columns <= run_.d; j += Columns) add_gradient<Columns>(j);
    if constexpr (Columns > 1) add_gradient_from<Columns / 2>(j);
  }

  template <int Columns>
  void add_gradient(std::int64_t j) {
    constexpr int kRegisters = Columns < 4 ? 4 : Columns;
    for (std::int64_t start = 0; start < rows_; start += kSumRows) {
      const std::int64_t end = rows_ - start < kSumRows ? rows_ : start + kSumRows;
      reg grad[kRegisters];
      GDFAST_UNROLL for (int c = 0; c < kRegisters; ++c) grad[c] = V::zero();
      walk<Columns>(j, start, end, [&](std::int64_t i, int m, const Streams<T, Columns>& x) GDFAST_LAMBDA {
        const reg r = V::load(r_ + i);
        GDFAST_UNROLL for (int c = 0; c < Columns; ++c) grad[c] = V::fma(r, load_rows<V>(x[c], m), grad[c]);
      });
      GDFAST_UNROLL for (int c = 0; c < kRegisters; c += 4) {
        add_sums<V>({grad[c], grad[c + 1], grad[c + 2], grad[c + 3]}, Columns - c, sums_.grad + j + c);
      }
    }
  }

  int lanes_at(std::int64_t i) const { return static_cast<int>(rows_ - i < L ? rows_ - i : L); }

  // Calls body(i, m, x) for each register of the block's rows from `start` to `end`, with x the streams of `Columns`
  // columns from j on; only the last has m < L.
  template <int Columns, class Body>
  GDFAST_INLINE void walk(std::int64_t j, std::int64_t start, std::int64_t end, Body body) const {
    Streams<T, Columns> x(column(j) + start, run_.column_stride);
    const std::int64_t whole = end / L * L;
    for (std::int64_t i = start; i < whole; i += L) {
      body(i, L, x);
      x.advance();
    }
    if (whole < end) body(whole, static_cast<int>(end - whole), x);
  }

  // The same for all of the block's rows, which are in memory.
  template <int Columns, class Body>
  GDFAST_INLINE void fetching_walk(std::int64_t j, Body body) const {
    static_assert(kAheadRows % L == 0);
    Streams<T, Columns> x(column(j), run_.column_stride), next(after(j + Columns), run_.column_stride);
    const std::int64_t whole = rows_ / L * L;
    std::int64_t i = 0;
    for (; i < whole - kAheadRows; i += L) {
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) __builtin_prefetch(x[c] + kAheadRows, 0, 3);
      body(i, L, x);
      x.advance();
    }
    for (; i < whole; i += L) {
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) __builtin_prefetch(next[c], 0, 3);
      body(i, L, x);
      x.advance();
      next.advance();
    }
    if (whole < rows_) body(whole, static_cast<int>(rows_ - whole), x);
  }

  // Where the columns that come next begin: those from j on, or the first ones of the next block.
  const T* after(std::int64_t j) const { return j < run_.d ? column(j) : run_.x + start_ + rows_; }
};

template <class V>
constexpr Parts<typename V::T> columns_form() {
  return {FusedColumns<V, Mode::fused>::kernel, FusedColumns<V, Mode::forward>::kernel,
          FusedColumns<V, Mode::gradient>::kernel};
}

}  // namespace
}  // namespace gdfast
