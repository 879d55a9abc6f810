// What every form does with a register of residuals: weigh them, and add up loss, intercept and weights in float64.
#pragma once

#include "kernel_table.hpp"
#include "register.hpp"

namespace gdfast {
namespace {

// How far ahead of a stream software fetches, in bytes of it, where that is a little way: 16 lines. With 32 or more some
// CPUs lose a fifth, and with 8 others a twentieth.
inline constexpr std::ptrdiff_t kNearBytes = 1 << 10;

enum class Mode { fused, forward, gradient };

template <class V>
GDFAST_INLINE void add_lanes(typename V::wide v, double* total) {
  double lane[V::lanes];
  V::wide_store(lane, v);
  for (int k = 0; k < V::lanes; ++k) total[k] += lane[k];
}

// Adds what the lanes of each register sum up to: of the first `count` of four, to that many columns' gradients.
template <class V>
GDFAST_INLINE void add_sums(const typename V::reg (&four)[4], std::int64_t count, double* grad) {
  typename V::T sum[4];
  V::sum4(four, sum);
  for (int c = 0; c < 4 && c < count; ++c) grad[c] += static_cast<double>(sum[c]);
}

// Loss, intercept's gradient and weights of a chunk of rows, a float64 lane for each row of a register.
template <class V>
struct WideSums {
  using T = typename V::T;
  using reg = typename V::reg;
  typename V::wide loss, grad_b, weight;

  GDFAST_INLINE void clear() {
    constexpr double zeros[V::lanes] = {};
    loss = grad_b = weight = V::wide_load(zeros);
  }

  // Residuals r of rows i, i + 1, …, of which the first m count; lanes from m on are zero. Returns s∘r.
  GDFAST_INLINE reg add(const Run<T>& run, std::int64_t i, int m, reg r) {
    // Not as q = r: what is one number is widened once.
    if (run.s == nullptr) {
      loss = V::wide_fma(r, r, loss);
      grad_b = V::wide_add(r, grad_b);
      return r;
    }
    const reg s = m == V::lanes ? V::load(run.s + i) : V::load_first(run.s + i, m);
    const reg q = V::mul(s, r);
    weight = V::wide_add(s, weight);
    loss = V::wide_fma(q, r, loss);
    grad_b = V::wide_add(q, grad_b);
    return q;
  }

  GDFAST_INLINE void flush(Sums& sums) {
    add_lanes<V>(loss, sums.loss);
    add_lanes<V>(grad_b, sums.grad_b);
    add_lanes<V>(weight, sums.weight);
    clear();
  }
};

template <class V, class From>
GDFAST_INLINE typename V::reg load_rows(const From* p, int m) {
  return m == V::lanes ? V::load(p) : V::load_first(p, m);
}

// The same sums of four steps' rows, in float32 until they go to float64: that widens a fourth of the numbers. Of the first
// four of a chain, the next four, and so on, whatever form takes them.
template <class V>
struct FewSums {
  using reg = typename V::reg;
  static constexpr int kSteps = sizeof(typename V::T) == 4 ? 4 : 1;  // float64 has nothing to widen
  reg squares, residuals, weights;

  GDFAST_INLINE void begin() { squares = residuals = weights = V::zero(); }

  // As WideSums::add, to whose sums they go.
  GDFAST_INLINE reg add(const Run<typename V::T>& run, std::int64_t i, int m, reg r, WideSums<V>& wide) {
    if constexpr (kSteps == 1) return wide.add(run, i, m, r);
    reg q = r;
    if (run.s != nullptr) {
      const reg s = load_rows<V>(run.s + i, m);
      weights = V::add(weights, s);
      q = V::mul(s, r);
    }
    squares = V::fma(q, r, squares);
    residuals = V::add(residuals, q);
    return q;
  }

  GDFAST_INLINE void end(const Run<typename V::T>& run, WideSums<V>& wide) const {
    if constexpr (kSteps == 1) return;
    wide.loss = V::wide_add(squares, wide.loss);
    wide.grad_b = V::wide_add(residuals, wide.grad_b);
    if (run.s != nullptr) wide.weight = V::wide_add(weights, wide.weight);
  }
};

}  // namespace
}  // namespace gdfast
