// Sixteen columns or more, columns in memory (Fortran order): a register holds 16 rows of one column.
//
// A block of rows is walked twice, first for the predictions, then, from the cache, for the gradient; each walk takes a
// few columns at a time, so that few streams are open at once and r is touched once for all of them. While a block is
// worked on, the rows below it in the same columns are fetched: half of the columns in each walk, to keep memory busy
// all the time.
//
//              C columns                         C columns
//        block │ ↓ ↓ ↓ ↓ │ → r += w·x      block │ ↓ ↓ ↓ ↓ │ → sums of r·x, one register a column
//        next  │ fetch ½ │                 next  │ fetch ½ │
#pragma once

#include "residuals.hpp"

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
  bool fetch_ = false;      // is there a next block to fetch?
  alignas(64) T r_[kMaxBlock];
  alignas(64) T part_[kMaxBlock];

  FusedColumns(const Run<T>& run, Sums& sums) : run_(run), sums_(sums) {}

  void all() {
    for (; start_ < run_.n; start_ += run_.block_rows) {
      const std::int64_t left = run_.n - start_;
      rows_ = left < run_.block_rows ? left : run_.block_rows;
      fetch_ = left > rows_;
      if constexpr (M != Mode::gradient) predict();
      if constexpr (M != Mode::forward) {
        residuals();
        add_gradient();
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
      std::int64_t k = j;
      for (; k + C <= end; k += C) predict_from<C>(k);
      for (; k < end; ++k) predict_from<1>(k);
      for (std::int64_t i = 0; i < rows_; i += L) V::store(r_ + i, V::add(V::load(r_ + i), V::load(part_ + i)));
    }
    if constexpr (M == Mode::forward) {
      for (std::int64_t i = 0; i < rows_; i += L) V::store_first(run_.out + start_ + i, lanes_at(i), V::load(r_ + i));
    }
  }

  template <int Columns>
  void predict_from(std::int64_t j) {
    reg w[Columns];
    GDFAST_UNROLL for (int c = 0; c < Columns; ++c) w[c] = V::broadcast(run_.w[j + c]);
    const T* const x = column(j);
    const std::ptrdiff_t stride = run_.column_stride;
    const std::ptrdiff_t ahead = fetch_ ? run_.block_rows : 0;
    walk([&](std::int64_t i, int m) GDFAST_LAMBDA {
      reg part = V::load(part_ + i);
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) {
        part = V::fma(load_rows<V>(x + c * stride + i, m), w[c], part);
        if (c < Columns / 2) fetch(x + c * stride + i + ahead);
      }
      V::store(part_ + i, part);
    });
  }

  // Into L2 only: it is needed a block later, and L1 is busy with this one.
  static GDFAST_INLINE void fetch(const T* p) { __builtin_prefetch(p, 0, 2); }

  void residuals() {
    WideSums<V> wide;
    wide.clear();
    walk([&](std::int64_t i, int m) GDFAST_LAMBDA {
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

  void add_gradient() {
    std::int64_t j = 0;
    for (; j + C <= run_.d; j += C) add_gradient_of<C>(j);
    for (; j < run_.d; ++j) add_gradient_of<1>(j);
  }

  template <int Columns>
  void add_gradient_of(std::int64_t j) {
    constexpr int kSums = Columns < 4 ? 4 : Columns;
    reg grad[kSums];
    GDFAST_UNROLL for (int c = 0; c < kSums; ++c) grad[c] = V::zero();
    const T* const x = column(j);
    const std::ptrdiff_t stride = run_.column_stride;
    const std::ptrdiff_t ahead = fetch_ ? run_.block_rows : 0;
    walk([&](std::int64_t i, int m) GDFAST_LAMBDA {
      const reg r = V::load(r_ + i);
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) {
        grad[c] = V::fma(r, load_rows<V>(x + c * stride + i, m), grad[c]);
        if (c >= Columns / 2) fetch(x + c * stride + i + ahead);
      }
    });
    GDFAST_UNROLL for (int c = 0; c < kSums; c += 4) {
      T sum[4];
      V::sum4({grad[c], grad[c + 1], grad[c + 2], grad[c + 3]}, sum);
      for (int k = 0; k < 4 && c + k < Columns; ++k) {
        sums_.grad[j + c + k] += static_cast<double>(sum[k]);
      }
    }
  }

  int lanes_at(std::int64_t i) const { return static_cast<int>(rows_ - i < L ? rows_ - i : L); }

  // Calls body(i, m) for each register of the block's rows; only the last has m < L.
  template <class Body>
  GDFAST_INLINE void walk(Body body) const {
    const std::int64_t whole = rows_ / L * L;
    for (std::int64_t i = 0; i < whole; i += L) body(i, L);
    if (whole < rows_) body(whole, static_cast<int>(rows_ - whole));
  }
};

template <class V, int C>
constexpr Form<typename V::T> columns_form() {
  return {FusedColumns<V, C, Mode::fused>::kernel, FusedColumns<V, C, Mode::forward>::kernel,
          FusedColumns<V, C, Mode::gradient>::kernel};
}

}  // namespace
}  // namespace gdfast
