#include "pack.hpp"

#include <cstdlib>
#include <cstring>

namespace gdfast {
namespace {

template <class T>
T read(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

template <class From, class T>
void convert(const char* p, std::ptrdiff_t stride, std::int64_t count, T* out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(read<From>(p + i * stride));
}

struct Axis {
  std::int64_t size;
  std::ptrdiff_t from;  // bytes
  std::ptrdiff_t to;    // elements
};

// The axis with the smaller stride in x is walked innermost, so that x is read in its own order.
template <class T, class To = T>
void pack(const char* p, Axis a, Axis b, To* out) {
  const bool swap = std::abs(a.from) < std::abs(b.from);
  const Axis outer = swap ? b : a, inner = swap ? a : b;
  for (std::int64_t i = 0; i < outer.size; ++i) {
    const char* from = p + i * outer.from;
    To* to = out + i * outer.to;
    for (std::int64_t k = 0; k < inner.size; ++k) to[k * inner.to] = read<T>(from + k * inner.from);
  }
}

}  // namespace

template <class T>
void pack_vector(const VectorView& v, std::int64_t first, std::int64_t count, T* out) {
  const char* p = v.data + first * v.stride;
  if (v.dtype == DType::f32) {
    convert<float>(p, v.stride, count, out);
  } else {
    convert<double>(p, v.stride, count, out);
  }
}

template <class T>
void pack_rows(const MatrixView& x, std::int64_t first, std::int64_t count, T* out) {
  pack<T>(x.data + first * x.row_stride, {count, x.row_stride, x.d}, {x.d, x.column_stride, 1}, out);
}

template <class T>
void pack_columns(const MatrixView& x, std::int64_t first, std::int64_t count, T* out) {
  pack<T>(x.data + first * x.row_stride, {count, x.row_stride, 1}, {x.d, x.column_stride, count}, out);
}

template <class T, class To>
void pack_as(const MatrixView& x, std::int64_t first, std::int64_t count, To* out, std::ptrdiff_t row_step,
             std::ptrdiff_t column_step) {
  pack<T>(x.data + first * x.row_stride, {count, x.row_stride, row_step}, {x.d, x.column_stride, column_step}, out);
}

template void pack_vector(const VectorView&, std::int64_t, std::int64_t, float*);
template void pack_vector(const VectorView&, std::int64_t, std::int64_t, double*);
template void pack_rows(const MatrixView&, std::int64_t, std::int64_t, float*);
template void pack_rows(const MatrixView&, std::int64_t, std::int64_t, double*);
template void pack_columns(const MatrixView&, std::int64_t, std::int64_t, float*);
template void pack_columns(const MatrixView&, std::int64_t, std::int64_t, double*);
template void pack_as<float>(const MatrixView&, std::int64_t, std::int64_t, float*, std::ptrdiff_t, std::ptrdiff_t);
template void pack_as<float>(const MatrixView&, std::int64_t, std::int64_t, double*, std::ptrdiff_t, std::ptrdiff_t);
template void pack_as<double>(const MatrixView&, std::int64_t, std::int64_t, double*, std::ptrdiff_t, std::ptrdiff_t);

}  // namespace gdfast
