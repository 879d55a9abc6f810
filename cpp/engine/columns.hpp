// Columns of a table, where they lie: each has a storage type of its own, and comes in parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "matrix_view.hpp"

namespace gdfast {

// Which rows of a part have a number: bit `first` + i says it of row i, and a byte of `missing` the contrary. Null
// pointers: all of them.
struct Validity {
  const std::uint8_t* bits = nullptr;
  std::int64_t first = 0;
  const std::uint8_t* missing = nullptr;

  explicit operator bool() const { return bits != nullptr || missing != nullptr; }
  bool operator()(std::int64_t i) const {
    if (missing != nullptr) return missing[i] == 0;
    return ((bits[(first + i) / 8] >> ((first + i) % 8)) & 1) != 0;
  }
};

// Consecutive rows of a column.
struct ColumnPart {
  std::int64_t start = 0, end = 0;  // rows of the table
  const char* data = nullptr;       // of row `start`; of bits, the first byte
  std::ptrdiff_t stride = 0;        // in bytes; of bits, none
  std::int64_t bit = 0;             // of row `start`, from `data` on
  Validity validity;
};

struct Column {
  DType dtype = DType::f64;
  bool packed = false;            // Booleans of one bit, as Arrow has them
  std::vector<ColumnPart> parts;  // in order, none empty; together they are all rows
};

// Some rows of a table.
struct TableView {
  const std::vector<Column>* columns = nullptr;
  std::int64_t first = 0;  // row of the columns

  const Column& operator[](std::int64_t j) const { return (*columns)[static_cast<std::size_t>(j)]; }
  std::int64_t row_bytes() const;
};

// Rows [first, first + count) as they lie, if they are contiguous numbers of T, all of them there; else null.
template <class T>
const T* lying(const Column& column, std::int64_t first, std::int64_t count);

// Whether that is so of any rows.
template <class T>
bool always_lies(const Column& column);

// Rows [first, first + count) of a column, as T, `step` elements apart. What has no number is 0.
template <class T>
void read_column(const Column& column, std::int64_t first, std::int64_t count, T* to, std::ptrdiff_t step);

// Asks for the memory of these rows, or of those of them that lie in the first one's part.
void fetch_column(const Column& column, std::int64_t first, std::int64_t count);

// Any rows, counted from row `first`.
template <class T>
void pick_column(const Column& column, std::int64_t first, const std::int64_t* rows, std::int64_t count, T* to,
                 std::ptrdiff_t step);

// Sets to[i] to 0 where row i of the column has no number. How many it hasn't.
template <class T>
std::int64_t clear_missing(const Column& column, std::int64_t first, std::int64_t count, T* to);

}  // namespace gdfast
