#include "gathered.hpp"

#include <algorithm>

namespace gdfast {

template <class T>
GatheredSource<T>::GatheredSource(const Samples& samples, const Selection& selection)
    : x_(samples.x),
      table_(samples.table),
      vectors_(samples.y, samples.s, samples.y_pred, true),
      selection_(selection) {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  this->n_ = x_.n;
  this->row_bytes_ = (table_.columns != nullptr ? table_.row_bytes() : x_.d * size_of(x_.dtype)) + vectors_.row_bytes();
  this->weighted_ = samples.s.data != nullptr;
  // Gathered, they lie in the cache however many there are in all.
  const std::int64_t rows = std::min(x_.n, packed_rows(x_.d, kSize));
  this->layout_ = layout_of({nullptr, rows, x_.d, x_.d * kSize, kSize, kDType<T>}, kSize);
}

template <class T>
std::int64_t GatheredSource<T>::rows_a_piece(Order /*order*/) const {
  return packed_rows(x_.d, sizeof(T));
}

template <class T>
std::size_t GatheredSource<T>::room_bytes(Order /*order*/, std::int64_t rows) const {
  return vectors_.room_bytes(rows) + Scratch::bytes<T>(rows * x_.d);
}

template <class T>
std::size_t GatheredSource<T>::vector_bytes(std::int64_t rows) const {
  return vectors_.room_bytes(rows);
}

// Row after row. Columns are asked for where this is both: of a single row, or of one column.
template <class T>
Piece<T> GatheredSource<T>::piece(Order /*order*/, std::int64_t first, std::int64_t count, const Room& room) const {
  Piece<T> piece;
  T* const copy = reinterpret_cast<T*>(room.memory + vectors_.room_bytes(room.rows));
  gather_x(picked(first, count), copy);
  piece.x = copy;
  piece.row_stride = x_.d;
  piece.column_stride = 1;
  vectors_.gather(picked(first, count), room, piece);
  return piece;
}

template <class T>
void GatheredSource<T>::gather_x(const Picked& picked, T* out) const {
  if (table_.columns == nullptr) {
    gather_rows(x_, picked, out);
    return;
  }
  for (std::int64_t j = 0; j < x_.d; ++j) {
    pick_column(table_[j], table_.first, picked.rows, picked.count, out + j, x_.d);
  }
}

template <class T>
Piece<T> GatheredSource<T>::vectors(std::int64_t first, std::int64_t count, const Room& room) const {
  Piece<T> piece;
  vectors_.gather(picked(first, count), room, piece);
  return piece;
}

template class GatheredSource<float>;
template class GatheredSource<double>;

}  // namespace gdfast
