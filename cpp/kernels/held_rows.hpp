// Rows of few registers, where there are registers enough: several rows are held from their dot to their gradient.
//
// Each line of x is loaded once, row after row in the order of memory. That is what hardware prefetchers are made for,
// and they fetch more than software can ask for; so nothing is fetched here. The order of the additions is that of
// fused_rows.hpp, so that this form has the same bits.
#pragma once

#include "fused_rows.hpp"

namespace gdfast {
namespace {

// W registers a row, of which the last may be filled in part.
template <class V, int W>
class HeldRows : FusedRows<V, 4, Mode::fused, From::memory, false> {
  using Base = FusedRows<V, 4, Mode::fused, From::memory, false>;
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;
  // Beside the rows there are their sums or residuals, and two or three registers for the columns at hand.
  static constexpr int kRows = 8 * W + 8 <= V::registers ? 8 : 4;

 public:
  // Six registers a row would fit with none to spare, and take as long in L2, but are 0.1 to 0.2 of memory speed slower.
  static constexpr bool kFits = 4 * W + 12 <= V::registers;

  static void kernel(const Run<T>& run, Sums& sums) { HeldRows(run, sums).all(); }

 private:
  using Base::Base;
  using Base::run_;

  void all() {
    const std::int64_t steps = run_.n / kRows * kRows;
    for (std::int64_t i = 0; i < steps; i += kRows) step(i);
    this->last_rows(steps);
    this->finish();
  }

  GDFAST_INLINE void step(std::int64_t i) {
    const Streams<T, kRows> in(this->row(i), run_.row_stride);
    const int last = static_cast<int>(run_.d) - (W - 1) * L;
    reg x[kRows][W], dot[kRows], q[kRows];
    GDFAST_UNROLL for (int r = 0; r < kRows; ++r) {
      dot[r] = V::zero();
      GDFAST_UNROLL for (int k = 0; k < W; ++k) {
        x[r][k] = k + 1 < W ? V::load(in[r] + k * L) : V::load_first(in[r] + k * L, last);
        dot[r] = V::fma(x[r][k], V::load(run_.w + k * L), dot[r]);
      }
    }
    this->template residuals<kRows>(i, V::sum_rows(dot));
    GDFAST_UNROLL for (int r = 0; r < kRows; ++r) q[r] = V::broadcast(this->known(i)[r]);
    GDFAST_UNROLL for (int k = 0; k < W; ++k) {
      reg grad = V::load(run_.panel + k * L);
      GDFAST_UNROLL for (int r = 0; r < kRows; r += 4) {
        reg four = V::mul(q[r], x[r][k]);
        GDFAST_UNROLL for (int c = r + 1; c < r + 4; ++c) four = V::fma(q[c], x[c][k], four);
        grad = V::add(grad, four);
      }
      V::store(run_.panel + k * L, grad);
    }
    this->added(i + kRows);
  }
};

// The most columns of rows that there are registers enough to hold; 0 where there are none for any.
template <class V, int W = 1>
constexpr std::int64_t most_held() {
  if constexpr (HeldRows<V, W>::kFits) {
    return most_held<V, W + 1>();
  } else {
    return (W - 1) * V::lanes;
  }
}

// Rows of no more columns than that.
template <class V, int W = 1>
void held_rows(const Run<typename V::T>& run, Sums& sums) {
  if constexpr (HeldRows<V, W>::kFits) {
    run.d <= W* V::lanes ? HeldRows<V, W>::kernel(run, sums) : held_rows<V, W + 1>(run, sums);
  }
}

}  // namespace
}  // namespace gdfast
