#include "pack.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "dispatch.hpp"

namespace gdfast {
namespace {

template <class T>
T read(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

template <class T>
Convert<T> converter(DType dtype) {
  return kernels<T>().convert[static_cast<int>(dtype)];
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

// Picked rows lie anywhere, and each is a wait for memory unless it was asked for in time: 64 rows ahead are some 300 ns
// at the speed at which small rows are copied; of long rows so many as make up 8 KiB. Into L2, which waits for more lines
// at a time than L1 can: a third of the time on a Zen 4 (4.1 ns a row of 64 bytes against 9.5).
constexpr std::int64_t kRowsAhead = 64;
constexpr std::ptrdiff_t kLine = 64;

void fetch(const char* p) { __builtin_prefetch(p, 0, 2); }

std::int64_t rows_ahead(std::ptrdiff_t row_bytes) {
  return std::clamp<std::int64_t>((8 << 10) / std::max<std::ptrdiff_t>(row_bytes, 1), 2, kRowsAhead);
}

// The row's bytes, in pieces whose size the compiler knows.
void copy(const char* from, std::ptrdiff_t bytes, char* to) {
  constexpr std::ptrdiff_t kPiece = 16;
  std::ptrdiff_t i = 0;
  for (; i + kPiece <= bytes; i += kPiece) std::memcpy(to + i, from + i, kPiece);
  for (; i < bytes; i += 4) std::memcpy(to + i, from + i, 4);
}

template <class T, class Read>
void gather(const VectorView& v, const Picked& picked, T* out, Read read_one) {
  for (std::int64_t i = 0; i < picked.count; ++i) {
    if (i + kRowsAhead < picked.known) fetch(v.data + picked.rows[i + kRowsAhead] * v.stride);
    read_one(v.data + picked.rows[i] * v.stride, out + i);
  }
}

// A row's elements.
template <class T>
void copy_row(const MatrixView& x, const char* row, T* out) {
  if (x.dtype == kDType<T> && (x.column_stride == size_of(x.dtype) || x.d == 1)) {
    copy(row, x.d * size_of(x.dtype), reinterpret_cast<char*>(out));
  } else {
    converter<T>(x.dtype)(row, x.column_stride, x.d, out, 1);
  }
}

}  // namespace

template <class T>
void gather_vector(const VectorView& v, const Picked& picked, T* out) {
  if (v.dtype == kDType<T>) return gather(v, picked, out, [](const char* p, T* to) { *to = read<T>(p); });
  gather(v, picked, out, [one = converter<T>(v.dtype)](const char* p, T* to) { one(p, 0, 1, to, 1); });
}

template <class T>
void gather_rows(const MatrixView& x, const Picked& picked, T* out) {
  const bool contiguous = x.column_stride == size_of(x.dtype) || x.d == 1;
  const std::ptrdiff_t bytes = x.d * size_of(x.dtype);
  const std::int64_t ahead = rows_ahead(bytes);
  for (std::int64_t i = 0; i < picked.count; ++i, out += x.d) {
    if (contiguous && i + ahead < picked.known) {
      const char* const later = x.data + picked.rows[i + ahead] * x.row_stride;
      for (std::ptrdiff_t k = 0; k < bytes; k += kLine) fetch(later + k);
      fetch(later + bytes - 1);
    }
    copy_row(x, x.data + picked.rows[i] * x.row_stride, out);
  }
}

template <class T>
void pack_vector(const VectorView& v, std::int64_t first, std::int64_t count, T* out) {
  converter<T>(v.dtype)(v.data + first * v.stride, v.stride, count, out, 1);
}

template <class T>
void convert_as(const MatrixView& x, std::int64_t first, std::int64_t count, T* out, std::ptrdiff_t row_step,
                std::ptrdiff_t column_step) {
  const Convert<T> line = converter<T>(x.dtype);
  const char* const p = x.data + first * x.row_stride;
  const bool by_rows = std::abs(x.column_stride) <= std::abs(x.row_stride);
  const Axis rows{count, x.row_stride, row_step}, columns{x.d, x.column_stride, column_step};
  const Axis outer = by_rows ? rows : columns, inner = by_rows ? columns : rows;
  if (outer.from == inner.size * inner.from && outer.to == inner.size * inner.to) {
    return line(p, inner.from, outer.size * inner.size, out, inner.to);
  }
  for (std::int64_t i = 0; i < outer.size; ++i)
    line(p + i * outer.from, inner.from, inner.size, out + i * outer.to, inner.to);
}

template <class T, class To>
void pack_as(const MatrixView& x, std::int64_t first, std::int64_t count, To* out, std::ptrdiff_t row_step,
             std::ptrdiff_t column_step) {
  pack<T>(x.data + first * x.row_stride, {count, x.row_stride, row_step}, {x.d, x.column_stride, column_step}, out);
}

template void convert_as(const MatrixView&, std::int64_t, std::int64_t, float*, std::ptrdiff_t, std::ptrdiff_t);
template void convert_as(const MatrixView&, std::int64_t, std::int64_t, double*, std::ptrdiff_t, std::ptrdiff_t);
template void gather_vector(const VectorView&, const Picked&, float*);
template void gather_vector(const VectorView&, const Picked&, double*);
template void gather_rows(const MatrixView&, const Picked&, float*);
template void gather_rows(const MatrixView&, const Picked&, double*);
template void pack_vector(const VectorView&, std::int64_t, std::int64_t, float*);
template void pack_vector(const VectorView&, std::int64_t, std::int64_t, double*);
template void pack_as<float>(const MatrixView&, std::int64_t, std::int64_t, float*, std::ptrdiff_t, std::ptrdiff_t);
template void pack_as<float>(const MatrixView&, std::int64_t, std::int64_t, double*, std::ptrdiff_t, std::ptrdiff_t);
template void pack_as<double>(const MatrixView&, std::int64_t, std::int64_t, double*, std::ptrdiff_t, std::ptrdiff_t);

}  // namespace gdfast
