// x, y and sample weights as float64, laid out as the kernels of the moments want them.
#pragma once

#include "kernel_table.hpp"
#include "register.hpp"

namespace gdfast {
namespace {

// The virtual register of float64 on the same ISA.
template <class V>
using DoubleOf = typename V::Double;

// V's register as one or two of float64.
template <class V>
struct Widened {
  using D = DoubleOf<V>;
  static constexpr int count = V::lanes / D::lanes;
  typename D::reg part[count];

  explicit GDFAST_INLINE Widened(typename V::reg v) {
    if constexpr (count == 2) {
      V::widen(v, part);
    } else {
      part[0] = v;
    }
  }
};

template <int Value>
struct Constant {
  static constexpr int value = Value;
};

template <class V>
void tail(const typename V::T* y, const typename V::T* s, std::int64_t n, double y_origin, double* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double weight = s == nullptr ? 1 : static_cast<double>(load_one(s + i));
    out[2 * i] = weight;
    out[2 * i + 1] = weight * (static_cast<double>(load_one(y + i)) - y_origin);
  }
}

// Eight rows at a time, so that a strip's part of them is one piece of memory. `row` is where one begins.
template <class V, class Row>
GDFAST_INLINE void widen(Row row, std::int64_t n, std::int64_t d, const double* origin, Panel out) {
  using D = DoubleOf<V>;
  constexpr int kRows = 8;
  const std::int64_t whole = d / kStrip * kStrip;
  const int rest = static_cast<int>(d - whole);
  const auto some_rows = [&](std::int64_t i, auto rows) GDFAST_LAMBDA {
    const typename V::T* p[rows.value];
    GDFAST_UNROLL for (int k = 0; k < rows.value; ++k) p[k] = row(i + k);
    double* q = out.data + kStrip * i;
    std::int64_t j = 0;
    for (; j < whole; j += kStrip, q += out.stride) {
      const typename D::reg from = D::load(origin + j);
      GDFAST_UNROLL for (int k = 0; k < rows.value; ++k) D::store(q + kStrip * k, D::sub(D::load(p[k] + j), from));
    }
    if (rest == 0) return;
    const typename D::reg from = D::load(origin + j);  // 0 in the lanes after x, which stay 0
    GDFAST_UNROLL for (int k = 0; k < rows.value; ++k) {
      D::store(q + kStrip * k, D::sub(D::load_first(p[k] + j, rest), from));
    }
  };
  std::int64_t i = 0;
  for (; i + kRows <= n; i += kRows) some_rows(i, Constant<kRows>());
  for (; i < n; ++i) some_rows(i, Constant<1>());
}

// Row by row, a few rows before they are needed: what was stored is then in the cache.
template <class V>
class Widener {
  using T = typename V::T;
  using D = DoubleOf<V>;
  static constexpr int kAhead = 8;

 public:
  explicit Widener(const RowsOfPanel<T>& rows)
      : x_(rows.x),
        row_stride_(rows.row_stride),
        left_(rows.n),
        whole_(rows.d / kStrip * kStrip),
        rest_(static_cast<int>(rows.d % kStrip)),
        origin_(rows.origin),
        to_(rows.out.data),
        stride_(rows.out.stride) {}

  GDFAST_INLINE void start() {
    for (int k = 0; k < kAhead; ++k) next();
  }
  GDFAST_INLINE void next() {
    if (left_ == 0) return;
    double* q = to_;
    std::int64_t j = 0;
    for (; j < whole_; j += kStrip, q += stride_) D::store(q, D::sub(D::load(x_ + j), D::load(origin_ + j)));
    if (rest_ > 0) D::store(q, D::sub(D::load_first(x_ + j, rest_), D::load(origin_ + j)));
    x_ += row_stride_;
    to_ += kStrip;
    --left_;
  }

 private:
  const T* x_;
  std::ptrdiff_t row_stride_;
  std::int64_t left_, whole_;
  int rest_;
  const double* origin_;
  double* to_;
  std::ptrdiff_t stride_;
};

template <class V>
void widen_rows(const typename V::T* x, std::ptrdiff_t row_stride, std::int64_t n, std::int64_t d, const double* origin,
                Panel out) {
  widen<V>([=](std::int64_t i) GDFAST_LAMBDA { return x + i * row_stride; }, n, d, origin, out);
}

template <class V>
void widen_picked(const typename V::T* x, std::ptrdiff_t row_stride, const std::int64_t* rows, std::int64_t n,
                  std::int64_t d, const double* origin, Panel out) {
  widen<V>([=](std::int64_t i) GDFAST_LAMBDA { return x + rows[i] * row_stride; }, n, d, origin, out);
}

// Transposes pieces of one register of columns; what is left at the edges goes one by one.
template <class V>
void widen_columns(const typename V::T* x, std::ptrdiff_t column_stride, std::int64_t n, std::int64_t d,
                   const double* origin, Panel out) {
  using D = DoubleOf<V>;
  constexpr int L = V::lanes, G = V::group;
  const auto one_by_one = [&](std::int64_t j, std::int64_t first) {
    double* const q = out.data + j / kStrip * out.stride + j % kStrip;
    for (std::int64_t i = first; i < n; ++i) {
      q[kStrip * i] = static_cast<double>(load_one(x + j * column_stride + i)) - origin[j];
    }
  };
  std::int64_t j = 0;
  for (; j + L <= d; j += L) {
    double* const q = out.data + j / kStrip * out.stride;
    typename D::reg from[V::lanes / D::lanes];
    for (int k = 0; k < V::lanes / D::lanes; ++k) from[k] = D::load(origin + j + k * D::lanes);
    std::int64_t i = 0;
    for (; i + G <= n; i += G) {
      typename V::reg row[G];
      V::load_transposed(x + j * column_stride + i, column_stride, row);
      GDFAST_UNROLL for (int g = 0; g < G; ++g) {
        const Widened<V> wide(row[g]);
        GDFAST_UNROLL for (int k = 0; k < wide.count; ++k)
            D::store(q + k * out.stride + kStrip * (i + g), D::sub(wide.part[k], from[k]));
      }
    }
    for (int k = 0; k < L; ++k) one_by_one(j + k, i);
  }
  for (; j < d; ++j) one_by_one(j, 0);
}

// A piece of 16 bytes may begin with what is wanted and end in the next row: the last rows go one by one.
template <class V>
void turn(const typename V::T* x, std::ptrdiff_t row_stride, std::int64_t n, std::int64_t d, typename V::T* out,
          std::ptrdiff_t stride) {
  constexpr int L = V::lanes, G = V::group;
  const std::int64_t safe = n - (d < G ? G - d : 0);
  std::int64_t i = 0;
  for (; i + L <= safe; i += L) {
    for (std::int64_t j = 0; j < d; j += G) {
      const std::int64_t first = j + G <= d || d < G ? j : d - G;
      typename V::reg column[G];
      V::load_transposed(x + i * row_stride + first, row_stride, column);
      GDFAST_UNROLL for (int g = 0; g < G; ++g) {
        if (first + g < d) V::store(out + (first + g) * stride + i, column[g]);
      }
    }
  }
  for (; i < n; ++i) {
    for (std::int64_t j = 0; j < d; ++j) out[j * stride + i] = load_one(x + i * row_stride + j);
  }
}

}  // namespace
}  // namespace gdfast
