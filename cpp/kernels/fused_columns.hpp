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
  static constexpr std::int64_t kChain = 256;  // terms in T before a prediction's sum is folded
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

  // r = b + Σ w_j x_j, summed over kChain columns at a time.
  void predict() {
    for (std::int64_t i = 0; i < rows_; i += L) V::store(r_ + i, V::broadcast(run_.b));
    for (std::int64_t j = 0; j < run_.d; j += kChain) {
      const std::int64_t end = run_.d - j < kChain ? run_.d : j + kChain;
      for (std::int64_t i = 0; i < rows_; i += L) V::store(part_ + i, V::zero());
      predict_from<C>(j, end);
      for (std::int64_t i = 0; i < rows_; i += L) V::store(r_ + i, V::add(V::load(r_ + i), V::load(part_ + i)));
    }
    if constexpr (M == Mode::forward) {
      for (std::int64_t i = 0; i < rows_; i += L) V::store_first(run_.out + start_ + i, lanes_at(i), V::load(r_ + i));
    }
  }

  // `Columns` columns at a time, and half as many of what is left.
  template <int Columns>
  void predict_from(std::int64_t j, std::int64_t end) {
    for (; j + Columns <= end; j += Columns) {
      fetch_below_ ? predict<Columns, (Columns + 1) / 2>(j) : predict<Columns, Columns>(j);
    }
    if constexpr (Columns > 1) predict_from<Columns / 2>(j, end);
  }

  template <int Columns, int Fetched>
  void predict(std::int64_t j) {
    reg w[Columns];
    GDFAST_UNROLL for (int c = 0; c < Columns; ++c) w[c] = V::broadcast(run_.w[j + c]);
    walk<Columns, Fetched>(j, 0, [&](std::int64_t i, int m, const Streams<T, Columns>& x) GDFAST_LAMBDA {
      reg part = V::load(part_ + i);
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) part = V::fma(load_rows<V>(x[c], m), w[c], part);
      V::store(part_ + i, part);
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
    constexpr int kSums = Columns < 4 ? 4 : Columns;
    reg grad[kSums];
    GDFAST_UNROLL for (int c = 0; c < kSums; ++c) grad[c] = V::zero();
    walk<Columns, Fetched>(
        j, (Columns + 1) / 2, [&](std::int64_t i, int m, const Streams<T, Columns>& x) GDFAST_LAMBDA {
          const reg r = V::load(r_ + i);
          GDFAST_UNROLL for (int c = 0; c < Columns; ++c) grad[c] = V::fma(r, load_rows<V>(x[c], m), grad[c]);
        });
    GDFAST_UNROLL for (int c = 0; c < kSums; c += 4) {
      add_sums<V>({grad[c], grad[c + 1], grad[c + 2], grad[c + 3]}, Columns - c, sums_.grad + j + c);
    }
  }

  int lanes_at(std::int64_t i) const { return static_cast<int>(rows_ - i < L ? rows_ - i : L); }

  // Calls body(i, m, x) for each register of the block's rows, with x the streams of `Columns` columns from j on; only
  // the last has m < L. Fetches meanwhile, into L2 only: L1 is busy with this block.
  template <int Columns, int Fetched, class Body>
  GDFAST_INLINE void walk(std::int64_t j, std::int64_t half, Body body) const {
    Streams<T, Columns> x(column(j), run_.column_stride);
    Streams<T, Fetched == 0 ? 1 : Fetched> next(Fetched == 0 ? column(j) : fetch_from(j, half), run_.column_stride);
    const std::int64_t whole = rows_ / L * L;
    for (std::int64_t i = 0; i < whole; i += L) {
      GDFAST_UNROLL for (int c = 0; c < Fetched; ++c) __builtin_prefetch(next[c], 0, 2);
      body(i, L, x);
      x.advance();
      next.advance();
    }
    if (whole < rows_) body(whole, static_cast<int>(rows_ - whole), x);
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
constexpr Form<typename V::T> columns_form() {
  return {FusedColumns<V, C, Mode::fused>::kernel, FusedColumns<V, C, Mode::forward>::kernel,
          FusedColumns<V, C, Mode::gradient>::kernel};
}

}  // namespace
}  // namespace gdfast
