#include "table.hpp"

#include <algorithm>
#include <bit>

namespace gdfast {
namespace {

// Of a piece. A multiple of kRunRows, or a power of two below it: then sums leave T where they do in a matrix of columns
// down to kSumRows rows. 512 KiB stay in L2 beside what is read.
std::int64_t piece_rows(std::int64_t d, std::ptrdiff_t element_size) {
  const auto fit = static_cast<std::uint64_t>((512 << 10) / (d * element_size));
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::bit_floor(fit)), packed_rows(d, element_size),
                                  kRunRows);
}

// Columns of a piece don't compete for the same sets of the cache.
template <class T>
std::ptrdiff_t column_step(std::int64_t rows) {
  return rows + 2 * kLanes<T>;
}

}  // namespace

template <class T>
TableSource<T>::TableSource(const Samples& samples)
    : table_(samples.table), vectors_(samples.y, samples.s, samples.y_pred, false) {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const std::int64_t d = samples.x.d, rows = std::min(samples.x.n, piece_rows(d, kSize));
  this->n_ = samples.x.n;
  this->row_bytes_ = table_.row_bytes() + vectors_.row_bytes();
  this->weighted_ = samples.s.data != nullptr;
  this->layout_ = layout_of({nullptr, rows, d, kSize, column_step<T>(rows) * kSize, kDType<T>}, kSize);
}

template <class T>
std::int64_t TableSource<T>::rows_a_piece(Order /*order*/) const {
  return piece_rows(this->d(), sizeof(T));
}

template <class T>
std::size_t TableSource<T>::room_bytes(Order /*order*/, std::int64_t rows) const {
  return vectors_.room_bytes(rows) + Scratch::bytes<T>(column_step<T>(rows) * this->d());
}

template <class T>
std::size_t TableSource<T>::vector_bytes(std::int64_t rows) const {
  return vectors_.room_bytes(rows);
}

// Rows are asked for where this is both: of a single row, or of one column.
template <class T>
Piece<T> TableSource<T>::piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const {
  Piece<T> piece;
  T* const copy = reinterpret_cast<T*>(room.memory + vectors_.room_bytes(room.rows));
  piece.row_stride = order == Order::rows ? this->d() : 1;
  piece.column_stride = order == Order::rows ? 1 : column_step<T>(room.rows);
  for (std::int64_t j = 0; j < this->d(); ++j) {
    read_column(table_[j], table_.first + first, count, copy + j * piece.column_stride, piece.row_stride);
  }
  piece.x = copy;
  vectors_.read(first, count, room, piece);
  return piece;
}

template <class T>
Piece<T> TableSource<T>::vectors(std::int64_t first, std::int64_t count, const Room& room) const {
  Piece<T> piece;
  vectors_.read(first, count, room, piece);
  return piece;
}

template class TableSource<float>;
template class TableSource<double>;

}  // namespace gdfast
