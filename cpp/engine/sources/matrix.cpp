#include "matrix.hpp"

#include <limits>

namespace gdfast {

Layout layout_of(const MatrixView& x, std::ptrdiff_t element_size) {
  Layout layout{};
  layout.n = x.n;
  layout.d = x.d;
  // A stride that leads nowhere may be anything.
  // The size is a power of two: to divide by it would take as long as the kernel of a few samples.
  const auto whole = [element_size](std::ptrdiff_t stride) { return (stride & (element_size - 1)) == 0; };
  const bool elements = (whole(x.row_stride) || x.n == 1) && (whole(x.column_stride) || x.d == 1);
  layout.rows = elements && (x.column_stride == element_size || x.d == 1);
  layout.columns = elements && (x.row_stride == element_size || x.n == 1);
  layout.rows_follow = x.d * element_size >= 16 || x.row_stride >= x.d * element_size;
  layout.rows_touch = layout.rows && x.row_stride == x.d * element_size;
  layout.x = x.data;
  layout.column_stride = x.column_stride;
  return layout;
}

void rows_ahead(const MatrixView& x, Order order, std::int64_t first, std::int64_t count, Ahead& ahead) {
  const char* const start = x.data + first * x.row_stride;
  const std::ptrdiff_t size = size_of(x.dtype), row = x.d * size;
  if (order == Order::columns) {
    ahead.area[ahead.areas++] = {start, count * size, x.column_stride, x.d};
  } else if (x.row_stride == row) {
    ahead.area[ahead.areas++] = {start, count * row, 0, 1};
  } else {
    ahead.area[ahead.areas++] = {start, row, x.row_stride, count};
  }
}

template <class T>
MatrixSource<T>::MatrixSource(const Samples& samples)
    : OrderedSource<T>(samples.y, samples.s, samples.y_pred), x_(samples.x) {
  this->n_ = x_.n;
  this->row_bytes_ = (x_.data != nullptr ? x_.d * size_of(x_.dtype) : 0) + vectors_.row_bytes();
  this->weighted_ = samples.s.data != nullptr;
  this->layout_ = layout_of(x_, sizeof(T));
}

template <class T>
std::int64_t MatrixSource<T>::rows_a_piece(Order order) const {
  if (!this->layout_.ready(order)) return packed_rows(x_.d, sizeof(T));
  return vectors_.ready() ? std::numeric_limits<std::int64_t>::max() : kRunRows;
}

template <class T>
std::size_t MatrixSource<T>::room_bytes(Order order, std::int64_t rows) const {
  return vectors_.room_bytes(rows) + (this->layout_.ready(order) ? 0 : Scratch::bytes<T>(rows * x_.d));
}

template <class T>
Piece<T> MatrixSource<T>::piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  Piece<T> piece;
  if (this->layout_.ready(order)) {
    piece.x = reinterpret_cast<const T*>(x_.data + first * x_.row_stride);
    piece.row_stride = x_.row_stride / kSize;
    piece.column_stride = x_.column_stride / kSize;
  } else {
    T* const copy = reinterpret_cast<T*>(room.memory + vectors_.room_bytes(room.rows));
    piece.row_stride = order == Order::rows ? x_.d : 1;
    piece.column_stride = order == Order::rows ? 1 : room.rows;
    pack_as<T>(x_, first, count, copy, piece.row_stride, piece.column_stride);
    piece.x = copy;
  }
  vectors_.read(first, count, room, piece);
  return piece;
}

template <class T>
Ahead MatrixSource<T>::ahead(std::int64_t first, std::int64_t count) const {
  Ahead ahead{};
  if (count <= 0) return ahead;
  vectors_.ahead(first, count, ahead);
  if (this->layout_.rows && x_.row_stride != 0) {
    rows_ahead(x_, Order::rows, first, count, ahead);
  } else if (this->layout_.columns) {
    rows_ahead(x_, Order::columns, first, count, ahead);
  }
  return ahead;
}

template class MatrixSource<float>;
template class MatrixSource<double>;

}  // namespace gdfast
