// x, y and sample weights as float64, laid out as the kernels of the moments want them.
#pragma once

#include "kernel_table.hpp"
#include "register.hpp"

namespace gdfast {
namespace {

// The virtual register of float64 on the same ISA.
template <class V>
struct DoubleOf;
template <class N, int K>
struct DoubleOf<Register<N, K>> {
  using type = Register<typename N::Double, 8 / N::Double::lanes>;
};

// V's register as one or two of float64.
template <class V>
struct Widened {
  using D = typename DoubleOf<V>::type;
  static constexpr int count = V::lanes / D::lanes;
  typename D::reg part[count];

  explicit GDFAST_INLINE Widened(typename V::reg v) {
    if constexpr (count == 2) {
      V::template widen<D>(v, part);
    } else {
      part[0] = v;
    }
  }
};

template <class V>
void widen_vector(const typename V::T* v, std::int64_t n, double* out) {
  using D = typename DoubleOf<V>::type;
  std::int64_t i = 0;
  for (; i + D::lanes <= n; i += D::lanes) D::store(out + i, D::load(v + i));
  for (; i < n; ++i) out[i] = static_cast<double>(load_one(v + i));
}

template <class V>
void widen_rows(const typename V::T* x, std::ptrdiff_t row_stride, std::int64_t n, std::int64_t d, const Panel& out) {
  using D = typename DoubleOf<V>::type;
  const std::int64_t whole = d / kStrip * kStrip;
  for (std::int64_t i = 0; i < n; ++i) {
    const typename V::T* const p = x + i * row_stride;
    double* q = out.data + kStrip * i;
    for (std::int64_t j = 0; j < whole; j += kStrip, q += out.stride) D::store(q, D::load(p + j));
    if (whole < d) D::store(q, D::load_first(p + whole, static_cast<int>(d - whole)));
  }
}

// Transposes pieces of one register of columns; what is left at the edges goes one by one.
template <class V>
void widen_columns(const typename V::T* x, std::ptrdiff_t column_stride, std::int64_t n, std::int64_t d,
                   const Panel& out) {
  using D = typename DoubleOf<V>::type;
  constexpr int L = V::lanes, G = V::group;
  const auto one_by_one = [&](std::int64_t j, std::int64_t first) {
    double* const q = out.data + j / kStrip * out.stride + j % kStrip;
    for (std::int64_t i = first; i < n; ++i) q[kStrip * i] = static_cast<double>(load_one(x + j * column_stride + i));
  };
  std::int64_t j = 0;
  for (; j + L <= d; j += L) {
    double* const q = out.data + j / kStrip * out.stride;
    std::int64_t i = 0;
    for (; i + G <= n; i += G) {
      typename V::reg row[G];
      V::load_transposed(x + j * column_stride + i, column_stride, row);
      GDFAST_UNROLL for (int g = 0; g < G; ++g) {
        const Widened<V> wide(row[g]);
        GDFAST_UNROLL for (int k = 0; k < wide.count; ++k) D::store(q + k * out.stride + kStrip * (i + g), wide.part[k]);
      }
    }
    for (int k = 0; k < L; ++k) one_by_one(j + k, i);
  }
  for (; j < d; ++j) one_by_one(j, 0);
}

// A piece of 16 bytes may begin with what is wanted and end in the next row: the last rows go one by one.
template <class V>
void widen_narrow_rows(const typename V::T* x, std::ptrdiff_t row_stride, std::int64_t n, std::int64_t d, double* out,
                       std::ptrdiff_t stride) {
  using D = typename DoubleOf<V>::type;
  constexpr int L = V::lanes, G = V::group;
  const std::int64_t safe = n - (d < G ? G - d : 0);
  std::int64_t i = 0;
  for (; i + L <= safe; i += L) {
    for (std::int64_t j = 0; j < d; j += G) {
      const std::int64_t first = j + G <= d || d < G ? j : d - G;
      typename V::reg column[G];
      V::load_transposed(x + i * row_stride + first, row_stride, column);
      GDFAST_UNROLL for (int g = 0; g < G; ++g) {
        if (first + g >= d) break;
        const Widened<V> wide(column[g]);
        double* const q = out + (first + g) * stride + i;
        GDFAST_UNROLL for (int k = 0; k < wide.count; ++k) D::store(q + k * D::lanes, wide.part[k]);
      }
    }
  }
  for (; i < n; ++i) {
    for (std::int64_t j = 0; j < d; ++j) out[j * stride + i] = static_cast<double>(load_one(x + i * row_stride + j));
  }
}

}  // namespace
}  // namespace gdfast
