// Kernels over vectors: the squared residuals of a given prediction, the signs of weights, and the sum that measures read
// bandwidth.
#pragma once

#include "residuals.hpp"
#include "widen.hpp"

namespace gdfast {
namespace {

// Both are widened before the difference is taken: it may be too large for T, and its rounding would be squared.
template <class V>
void squares(const typename V::T* y, const typename V::T* y_pred, std::int64_t n, Sums& sums) {
  using D = DoubleOf<V>;
  constexpr int L = V::lanes;
  constexpr std::int64_t kChunk = 64 * L;  // additions in a row: equal terms round the same way each time
  for (std::int64_t i = 0; i < n;) {
    const std::int64_t end = n - i < kChunk ? n : i + kChunk;
    typename D::reg loss[L / D::lanes];
    GDFAST_UNROLL for (auto& part : loss) part = D::zero();
    for (; i < end; i += L) {
      std::int64_t at = i;
      GDFAST_UNROLL for (auto& part : loss) {
        const std::int64_t left = n - at;
        if (left <= 0) break;
        const int m = static_cast<int>(left < D::lanes ? left : D::lanes);
        const typename D::reg r = D::sub(load_rows<D>(y_pred + at, m), load_rows<D>(y + at, m));
        part = D::fma(r, r, part);
        at += D::lanes;
      }
    }
    double lane[L];
    GDFAST_UNROLL for (int k = 0; k < L / D::lanes; ++k) D::store(lane + k * D::lanes, loss[k]);
    for (int k = 0; k < L; ++k) sums.loss[k] += lane[k];
  }
}

template <int Bytes>
struct BitsOf;
template <>
struct BitsOf<4> {
  using type = std::uint32_t;
};
template <>
struct BitsOf<8> {
  using type = std::uint64_t;
};

// Is one of n weights below 0? Sign bits are looked at all together, which takes next to no time; only where one is set
// does it matter that -0 is no less than 0.
template <class T>
bool any_negative(const T* s, std::int64_t n) {
  using Bits = typename BitsOf<sizeof(T)>::type;
  constexpr int kTogether = 128 / sizeof(T);  // several registers, so that none waits for the one before
  Bits lanes[kTogether] = {};
  std::int64_t i = 0;
  for (; i + kTogether <= n; i += kTogether) {
    GDFAST_UNROLL for (int k = 0; k < kTogether; ++k) {
      Bits bits;
      __builtin_memcpy(&bits, s + i + k, sizeof(bits));
      lanes[k] |= bits;
    }
  }
  Bits all = 0;
  for (int k = 0; k < kTogether; ++k) all |= lanes[k];
  if (all >> (8 * sizeof(T) - 1) != 0) i = 0;
  bool negative = false;
  for (; i < n; ++i) negative |= s[i] < T(0);
  return negative;
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
