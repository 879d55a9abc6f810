// What is kept of rows as they go by: residuals until they are used, sums over rows until they leave x's dtype.
#pragma once

#include "residuals.hpp"

namespace gdfast {
namespace {

// Dot products of rows so long that a lane has more than one chain of terms. A few chains make a second one, which goes to
// float64. It lies in memory: the loops beside it have no register to spare.
template <class V, int Rows>
class LongDots {
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int kChains = static_cast<int>(kTerms / 2);
  int ended_ = 0;
  bool widened_ = false;
  alignas(64) T sum_[Rows * V::lanes];
  typename V::wide total_;

 public:
  // A chain of each row, which others follow.
  GDFAST_INLINE void add(const reg (&chain)[Rows]) {
    GDFAST_UNROLL for (int i = 0; i < Rows; ++i)
        V::store(sum_ + i * V::lanes, ended_ == 0 ? chain[i] : after(chain, i));
    if (++ended_ == kChains) widen();
  }

  // The dot products, row i's in lane i, with the last chain of each.
  GDFAST_INLINE reg finish(reg (&chain)[Rows]) {
    if (ended_ != 0) {
      GDFAST_UNROLL for (int i = 0; i < Rows; ++i) chain[i] = after(chain, i);
    }
    const reg sums = V::sum_rows(chain);
    return widened_ ? widened(sums) : sums;
  }

 private:
  GDFAST_INLINE reg after(const reg (&chain)[Rows], int i) const {
    return V::add(V::load(sum_ + i * V::lanes), chain[i]);
  }

  __attribute__((noinline)) void widen() {
    reg sum[Rows];
    GDFAST_UNROLL for (int i = 0; i < Rows; ++i) sum[i] = V::load(sum_ + i * V::lanes);
    constexpr double zeros[V::lanes] = {};
    total_ = V::wide_add(V::sum_rows(sum), widened_ ? total_ : V::wide_load(zeros));
    widened_ = true;
    ended_ = 0;
  }

  __attribute__((noinline)) reg widened(reg sums) const { return V::narrow(V::wide_add(sums, total_)); }
};

template <class V, Mode M>
class RowSums {
 protected:
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;
  // Rows after which the panel, a chain of sums over four rows, leaves T; float64 rounds so little that it may be longer.
  static constexpr std::int64_t kPanelRows = sizeof(T) == 4 ? 8 * kTerms : kRowChunk;
  // Rows after which the other sums, float64 from the start, leave their registers.
  static constexpr std::int64_t kWideRows = kRowChunk;
  static_assert(kRunRows % kRowChunk == 0 && kRowChunk % kPanelRows == 0 && kWideRows % L == 0);
  static constexpr int kKept = 4 * L;  // weighted residuals: of the rows on their way in and of those not yet added

  const Run<T>& run_;

  RowSums(const Run<T>& run, Sums& sums) : run_(run), sums_(sums) {
    wide_.clear();
    if constexpr (M != Mode::forward) {
      for (std::int64_t j = 0; j < run.d / L * L + L; ++j) run.panel[j] = T(0);
    }
  }

  const T* row(std::int64_t i) const { return run_.x + i * run_.row_stride; }

  // Weighted residuals of row i and of those after it up to a multiple of L.
  const T* known(std::int64_t i) const { return q_ + (i & (kKept - 1)); }

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
      V::store(q_ + (i & (kKept - 1)), run_.s != nullptr ? V::mul(V::load_first(run_.s + i, Rows), r) : r);
    }
  }

  // Adds up the m residuals before row `end`, a step after they were stored: a load that spans several stores waits
  // until they have left for the cache.
  GDFAST_INLINE void add_up(std::int64_t end, int m) {
    const reg r = V::load(r_);
    wide_.add(run_, end - m, m, m == L ? r : V::keep_first(r, m));
    if (end % kWideRows == 0) wide_.flush(sums_);
  }

  // The gradient of the run's first `rows` rows is in the panel.
  GDFAST_INLINE void added(std::int64_t rows) {
    if (rows % kPanelRows == 0) flush_panel();
  }

  void flush_panel() {
    std::int64_t j = 0;
    for (; j + L <= run_.d; j += L) {
      V::wide_store(sums_.grad + j, V::wide_add(V::load(run_.panel + j), V::wide_load(sums_.grad + j)));
      V::store(run_.panel + j, V::zero());
    }
    for (; j < run_.d; ++j) {
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

 private:
  Sums& sums_;
  WideSums<V> wide_;
  // Residuals of 16 rows, row i of the run at i mod 16, and weighted residuals of a few more. Then room for what a store
  // of a whole register leaves beyond them.
  alignas(64) T r_[2 * L] = {};
  alignas(64) T q_[kKept + L] = {};
};

}  // namespace
}  // namespace gdfast
