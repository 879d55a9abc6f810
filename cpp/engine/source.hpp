// Where rows come from. Whatever lies in memory is handed out in pieces that a kernel walks: as it lies, or packed,
// widened, gathered into room that the caller has. Streaming and moments take their rows from here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_table.hpp"

namespace gdfast {

// Whose elements are neighbours in memory: those of a row, or those of a column. Columns lie a stride apart, or are listed,
// each with an address of its own.
enum class Order { rows, columns, listed };

// Rows as a kernel wants them. Strides are in elements; y, s and y_pred are contiguous, and null where there are none.
template <class T>
struct Piece {
  const T* x = nullptr;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t column_stride = 0;
  const T* const* columns = nullptr;  // listed, instead of x
  const T* y = nullptr;
  const T* s = nullptr;
  const T* y_pred = nullptr;
};

// How x lies in the pieces, as far as a form is chosen by it.
struct Layout {
  std::int64_t n = 0;  // rows that lie so at once: all of them, or those of a piece that is made in the cache
  std::int64_t d = 0;
  bool rows = false, columns = false;  // ready in this order; neither: packed, in the order that is asked for
  bool listed = false;                 // columns can be had by their addresses
  bool made = false;                   // in the cache, a piece at a time
  bool rows_follow = false;            // what follows a row is rows, or the row has 16 bytes itself
  bool rows_touch = false;             // rows, and each begins where the last one ends
  const char* x = nullptr;             // the columns' first elements, and how many bytes they are apart
  std::ptrdiff_t column_stride = 0;

  bool ready(Order order) const { return order == Order::rows ? rows : order == Order::columns ? columns : listed; }
};

// Of x as the kernels have it.
template <class T>
std::int64_t row_bytes(const Layout& x) {
  return x.d * static_cast<std::int64_t>(sizeof(T));
}

// Memory for pieces of at most so many rows. Columns that are packed there lie `rows` elements apart.
struct Room {
  std::byte* memory;
  std::int64_t rows;
};

// T is what is computed with; what lies in memory is the source's own affair.
template <class T>
class Source {
 public:
  virtual ~Source() = default;

  std::int64_t n() const { return n_; }
  std::int64_t d() const { return layout_.d; }
  bool weighted() const { return weighted_; }
  std::int64_t row_bytes() const { return row_bytes_; }  // of the user's data
  const Layout& layout() const { return layout_; }

  // How many rows a piece should have at most; more than there are where everything lies ready.
  virtual std::int64_t rows_a_piece(Order order) const = 0;
  virtual std::size_t room_bytes(Order order, std::int64_t rows) const = 0;
  // Whether any number of rows is a piece without a copy.
  bool ready(Order order) const { return room_bytes(order, 1) == 0; }
  // Rows [first, first + count). It is good until the room's next piece.
  virtual Piece<T> piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const = 0;

  // The same without x.
  virtual std::size_t vector_bytes(std::int64_t rows) const = 0;
  virtual Piece<T> vectors(std::int64_t first, std::int64_t count, const Room& room) const = 0;

  // The memory that rows [first, first + count) lie in, for those who fetch it ahead.
  // Both types are instantiated, which the check doesn't see. NOLINTNEXTLINE(portability-template-virtual-member-function)
  virtual Ahead ahead(std::int64_t /*first*/, std::int64_t /*count*/) const { return {}; }

 protected:
  Source() = default;
  Source(const Source&) = default;
  Source& operator=(const Source&) = default;
  Source(Source&&) = default;
  Source& operator=(Source&&) = default;

  std::int64_t n_ = 0;
  std::int64_t row_bytes_ = 0;
  bool weighted_ = false;
  Layout layout_;
};

// Rows of a piece that is made in the cache: it stays in L2, and within the promise of 4 MiB a thread for 2 MiB of row or
// less. Not read from the machine: a form's sums leave T at the end of a piece, so this decides bits.
std::int64_t packed_rows(std::int64_t d, std::ptrdiff_t element_size);

}  // namespace gdfast
