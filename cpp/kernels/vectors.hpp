// Kernels over vectors: the squared residuals of a given prediction, and the sum that measures read bandwidth.
#pragma once

#include "residuals.hpp"

namespace gdfast {
namespace {

template <class V>
void squares(const typename V::T* y, const typename V::T* y_pred, std::int64_t n, Sums& sums) {
  constexpr int L = V::lanes;
  constexpr std::int64_t kChunk = 64 * L;  // additions in a row: equal terms round the same way each time
  constexpr double zeros[L] = {};
  for (std::int64_t i = 0; i < n;) {
    const std::int64_t end = n - i < kChunk ? n : i + kChunk;
    typename V::wide loss = V::wide_load(zeros);
    for (; i < end; i += L) {
      const int m = static_cast<int>(n - i < L ? n - i : L);
      const typename V::reg r = V::sub(load_rows<V>(y_pred + i, m), load_rows<V>(y + i, m));
      loss = V::wide_fma(r, r, loss);
    }
    add_lanes<V>(loss, sums.loss);
  }
}

template <class V>
double sum(const typename V::T* x, std::int64_t n) {
  constexpr int L = V::lanes;
  constexpr int kSums = 8;  // two loads a cycle behind additions of latency 4
  typename V::reg total[kSums];
  GDFAST_UNROLL for (int k = 0; k < kSums; ++k) total[k] = V::zero();
  std::int64_t i = 0;
  for (; i + kSums * L <= n; i += kSums * L) {
    GDFAST_UNROLL for (int k = 0; k < kSums; ++k) total[k] = V::add(total[k], V::load(x + i + k * L));
  }
  for (; i < n; i += L) total[0] = V::add(total[0], V::load_first(x + i, static_cast<int>(n - i < L ? n - i : L)));
  double result = 0;
  GDFAST_UNROLL for (int k = 0; k < kSums; ++k) result += static_cast<double>(V::sum(total[k]));
  return result;
}

}  // namespace
}  // namespace gdfast
