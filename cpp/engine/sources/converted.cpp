#include "converted.hpp"

#include <algorithm>
#include <cstdlib>

#include "engine/forms.hpp"

namespace gdfast {

// That of the array that NumPy would make of it, which keeps the order of the strides.
template <class T>
Order ConvertedSource<T>::natural() const {
  return std::abs(x_.column_stride) <= std::abs(x_.row_stride) ? Order::rows : Order::columns;
}

template <class T>
ConvertedSource<T>::ConvertedSource(const Samples& samples)
    : OrderedSource<T>(samples.y, samples.s, samples.y_pred), x_(samples.x) {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  this->n_ = x_.n;
  this->row_bytes_ = x_.d * size_of(x_.dtype) + vectors_.row_bytes();
  this->weighted_ = samples.s.data != nullptr;
  // The pieces lie in the cache, however many there are.
  const std::int64_t rows = std::min(x_.n, unit(natural()));
  const bool by_rows = natural() == Order::rows;
  const std::ptrdiff_t row_stride = by_rows ? x_.d * kSize : kSize;
  const std::ptrdiff_t column_stride = by_rows ? kSize : column_step<T>(rows) * kSize;
  this->layout_ = layout_of({nullptr, rows, x_.d, row_stride, column_stride, kDType<T>}, kSize);
  this->layout_.made = true;
}

template <class T>
std::int64_t ConvertedSource<T>::rows_a_piece(Order order) const {
  return this->layout_.ready(order) ? unit(order) : packed_rows(x_.d, sizeof(T));
}

template <class T>
std::int64_t ConvertedSource<T>::unit(Order order) const {
  const std::int64_t rows = unit_rows<T>(order, x_.d);
  const bool fits = rows * x_.d * static_cast<std::int64_t>(sizeof(T)) <= kMostMadeBytes;
  return fits ? rows : packed_rows(x_.d, sizeof(T));
}

template <class T>
std::size_t ConvertedSource<T>::room_bytes(Order order, std::int64_t rows) const {
  const std::int64_t elements = order == Order::rows ? rows * x_.d : column_step<T>(rows) * x_.d;
  return vectors_.room_bytes(rows) + Scratch::bytes<T>(elements);
}

template <class T>
Piece<T> ConvertedSource<T>::piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const {
  Piece<T> piece;
  T* const copy = reinterpret_cast<T*>(room.memory + vectors_.room_bytes(room.rows));
  piece.row_stride = order == Order::rows ? x_.d : 1;
  piece.column_stride = order == Order::rows ? 1 : column_step<T>(room.rows);
  convert_as<T>(x_, first, count, copy, piece.row_stride, piece.column_stride);
  piece.x = copy;
  vectors_.read(first, count, room, piece);
  return piece;
}

template <class T>
Ahead ConvertedSource<T>::ahead(std::int64_t first, std::int64_t count) const {
  Ahead ahead{};
  if (count <= 0) return ahead;
  vectors_.ahead(first, count, ahead);
  const std::ptrdiff_t size = size_of(x_.dtype);
  if ((natural() == Order::rows ? x_.column_stride : x_.row_stride) == size) {
    rows_ahead(x_, natural(), first, count, ahead);
  }
  return ahead;
}

template class ConvertedSource<float>;
template class ConvertedSource<double>;

}  // namespace gdfast
