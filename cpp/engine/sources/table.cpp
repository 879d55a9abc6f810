#include "table.hpp"

#include <algorithm>
#include <limits>

#include "engine/columns.hpp"
#include "engine/forms.hpp"

namespace gdfast {
namespace {

// Of a piece for which so many columns are read: as long as stays in L2 beside what is read, for columns are fetched in
// runs. 512 KiB are half of a small one.
template <class T>
std::int64_t listed_rows(std::int64_t d, std::int64_t columns) {
  const std::int64_t unit = unit_rows<T>(Order::listed, d);
  const auto bytes = [columns](std::int64_t rows) { return rows * columns * static_cast<std::int64_t>(sizeof(T)); };
  std::int64_t rows = kRunRows;
  while (rows > unit && bytes(rows) > 512 << 10) rows /= 2;
  return bytes(rows) <= kMostMadeBytes ? rows : packed_rows(columns, sizeof(T));
}

}  // namespace

template <class T>
TableSource<T>::TableSource(const Samples& samples)
    : OrderedSource<T>(samples.y, samples.s, samples.y_pred), table_(samples.table) {
  this->n_ = samples.x.n;
  this->row_bytes_ = table_.row_bytes() + vectors_.row_bytes();
  this->weighted_ = samples.s.data != nullptr;
  for (const Column& column : *table_.columns) read_ += always_lies<T>(column) ? 0 : 1;
  this->layout_.n = samples.x.n;
  this->layout_.d = samples.x.d;
  this->layout_.columns = true;
  this->layout_.rows = samples.x.d == 1;
  this->layout_.made = true;
  this->layout_.listed = true;
}

template <class T>
std::int64_t TableSource<T>::rows_a_piece(Order order) const {
  if (order == Order::rows) return packed_rows(this->d(), sizeof(T));
  if (order == Order::columns) return listed_rows<T>(this->d(), this->d());
  if (read_ > 0) return listed_rows<T>(this->d(), read_);
  return vectors_.ready() ? std::numeric_limits<std::int64_t>::max() : kRunRows;
}

template <class T>
std::size_t TableSource<T>::room_bytes(Order order, std::int64_t rows) const {
  const std::size_t vectors = vectors_.room_bytes(rows);
  if (order != Order::listed) return vectors + Scratch::bytes<T>(column_step<T>(rows) * this->d());
  return vectors + Scratch::bytes<const T*>(this->d() + kFurtherColumns) +
         Scratch::bytes<T>(column_step<T>(rows) * read_);
}

template <class T>
Piece<T> TableSource<T>::piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const {
  Piece<T> piece = order == Order::listed ? listed(first, count, room) : copied(order, first, count, room);
  vectors_.read(first, count, room, piece);
  return piece;
}

// The room holds the vectors, the list, and the columns that have been read.
template <class T>
Piece<T> TableSource<T>::listed(std::int64_t first, std::int64_t count, const Room& room) const {
  const std::int64_t d = this->d();
  std::byte* const memory = room.memory + vectors_.room_bytes(room.rows);
  const auto list = reinterpret_cast<const T**>(memory);
  T* copy = reinterpret_cast<T*>(memory + Scratch::bytes<const T*>(d + kFurtherColumns));
  for (std::int64_t j = 0; j < d; ++j) {
    list[j] = lying<T>(table_[j], table_.first + first, count);
    if (list[j] != nullptr) continue;
    read(j, first, count, copy, 1);
    list[j] = copy;
    copy += column_step<T>(room.rows);
  }
  for (std::int64_t j = d; j < d + kFurtherColumns; ++j) list[j] = list[d - 1];
  Piece<T> piece;
  piece.columns = list;
  return piece;
}

template <class T>
Piece<T> TableSource<T>::copied(Order order, std::int64_t first, std::int64_t count, const Room& room) const {
  Piece<T> piece;
  T* const copy = reinterpret_cast<T*>(room.memory + vectors_.room_bytes(room.rows));
  piece.row_stride = order == Order::rows ? this->d() : 1;
  piece.column_stride = order == Order::rows ? 1 : column_step<T>(room.rows);
  for (std::int64_t j = 0; j < this->d(); ++j) read(j, first, count, copy + j * piece.column_stride, piece.row_stride);
  piece.x = copy;
  return piece;
}

// A column's rows are so few that the hardware hardly notices that they are read in order: those of the next piece are
// asked for. Little by little, since a CPU has few lines under way at once, and stands still for more.
template <class T>
void TableSource<T>::read(std::int64_t j, std::int64_t first, std::int64_t count, T* to, std::ptrdiff_t step) const {
  constexpr std::int64_t kLittle = 256;
  for (std::int64_t i = 0; i < count; i += kLittle) {
    const std::int64_t row = table_.first + first + i, rows = std::min(kLittle, count - i);
    fetch_column(table_[j], row + count, rows);
    read_column(table_[j], row, rows, to + i * step, step);
  }
}

template class TableSource<float>;
template class TableSource<double>;

}  // namespace gdfast
