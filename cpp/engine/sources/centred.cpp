#include "centred.hpp"

#include <algorithm>

#include "made.hpp"
#include "matrix.hpp"

namespace gdfast {
namespace {

// Room of our own: the targets, then x, then what the inner source takes.
template <class T>
std::size_t x_bytes(Order order, std::int64_t rows, std::int64_t d) {
  return Scratch::bytes<T>((order == Order::rows ? rows : column_step<T>(rows)) * d);
}

}  // namespace

template <class T>
CentredSource<T>::CentredSource(const Source<T>& inner, const Centre& centre) : inner_(&inner), centre_(centre) {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const std::int64_t d = inner.d(), rows = std::min(inner.n(), packed_rows(d, kSize));
  const bool by_rows = !inner.layout().columns || (inner.layout().rows && d > 1);
  const std::ptrdiff_t column_stride = by_rows ? kSize : column_step<T>(rows) * kSize;
  this->n_ = inner.n();
  this->row_bytes_ = inner.row_bytes();
  this->weighted_ = inner.weighted();
  this->layout_ = layout_of({nullptr, rows, d, by_rows ? d * kSize : kSize, column_stride, kDType<T>}, kSize);
  this->layout_.made = true;
}

template <class T>
std::int64_t CentredSource<T>::rows_a_piece(Order /*order*/) const {
  return packed_rows(this->d(), sizeof(T));
}

template <class T>
std::size_t CentredSource<T>::room_bytes(Order order, std::int64_t rows) const {
  return Scratch::bytes<T>(rows) + x_bytes<T>(order, rows, this->d()) + inner_->room_bytes(order, rows);
}

template <class T>
std::size_t CentredSource<T>::vector_bytes(std::int64_t rows) const {
  return Scratch::bytes<T>(rows) + inner_->vector_bytes(rows);
}

template <class T>
Piece<T> CentredSource<T>::piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const {
  std::byte* const memory = room.memory + Scratch::bytes<T>(room.rows);
  std::byte* const rest = memory + x_bytes<T>(order, room.rows, this->d());
  Piece<T> piece = inner_->piece(order, first, count, {rest, room.rows});
  T* const x = reinterpret_cast<T*>(memory);
  subtract(order, piece, count, room, x);
  piece.x = x;
  piece.row_stride = order == Order::rows ? this->d() : 1;
  piece.column_stride = order == Order::rows ? 1 : column_step<T>(room.rows);
  piece.y = targets(piece.y, count, room);
  return piece;
}

template <class T>
void CentredSource<T>::subtract(Order order, const Piece<T>& piece, std::int64_t count, const Room& room,
                                T* out) const {
  const std::int64_t d = this->d();
  if (order == Order::rows) {
    for (std::int64_t i = 0; i < count; ++i, out += d) {
      const T* const row = piece.x + i * piece.row_stride;
      for (std::int64_t j = 0; j < d; ++j) out[j] = static_cast<T>(row[j] - centre_.x[j]);
    }
    return;
  }
  for (std::int64_t j = 0; j < d; ++j, out += column_step<T>(room.rows)) {
    const T* const column = piece.x + j * piece.column_stride;
    for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(column[i] - centre_.x[j]);
  }
}

template <class T>
Piece<T> CentredSource<T>::vectors(std::int64_t first, std::int64_t count, const Room& room) const {
  Piece<T> piece = inner_->vectors(first, count, {room.memory + Scratch::bytes<T>(room.rows), room.rows});
  piece.y = targets(piece.y, count, room);
  return piece;
}

template <class T>
const T* CentredSource<T>::targets(const T* y, std::int64_t count, const Room& room) const {
  if (y == nullptr || centre_.y == 0) return y;
  T* const out = reinterpret_cast<T*>(room.memory);
  for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(y[i] - centre_.y);
  return out;
}

template class CentredSource<float>;
template class CentredSource<double>;

}  // namespace gdfast
