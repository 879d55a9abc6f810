// Arrays as they lie in memory: any stride, any alignment, never copied and never written.
#pragma once

#include "kernels/storage_types.hpp"

namespace gdfast {

template <class T>
inline constexpr DType kDType = sizeof(T) == 4 ? DType::f32 : DType::f64;

// Strides are in bytes here, in elements from the kernels down.
struct MatrixView {
  const char* data;
  std::int64_t n;
  std::int64_t d;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
  DType dtype;
};

struct VectorView {
  const char* data = nullptr;  // null: there is none
  std::ptrdiff_t stride = 0;
  DType dtype = DType::f64;
};

// Of a matrix that isn't there, the column isn't either.
inline VectorView column(const MatrixView& x, std::int64_t k) {
  return x.data == nullptr ? VectorView{} : VectorView{x.data + k * x.column_stride, x.row_stride, x.dtype};
}

}  // namespace gdfast
