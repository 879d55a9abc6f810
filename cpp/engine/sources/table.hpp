// Rows of a table, whose columns have types and addresses of their own.
#pragma once

#include "made.hpp"
#include "matrix.hpp"

namespace gdfast {

// Columns of T are listed for the kernels where they lie; others, and those that aren't whole in a piece, are read into
// the cache, a piece at a time. Who wants columns a stride apart, or rows, gets a copy in the cache of all.
//
// Pieces end where a run may be cut, so that the bits are those of a matrix of the same columns, unless those that are
// read are so many that such a piece would take kMostMadeBytes.
template <class T>
class TableSource final : public OrderedSource<T> {
 public:
  // A table for x, whose matrix view has no more than its size.
  explicit TableSource(const Samples& samples);

  // Instantiated below, which the check doesn't see. NOLINTBEGIN(portability-template-virtual-member-function)
  std::int64_t rows_a_piece(Order order) const override;
  std::size_t room_bytes(Order order, std::int64_t rows) const override;
  Piece<T> piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const override;
  // NOLINTEND(portability-template-virtual-member-function)

 private:
  using OrderedSource<T>::vectors_;

  TableView table_;
  std::int64_t read_ = 0;  // columns that have to be read in some piece

  Piece<T> listed(std::int64_t first, std::int64_t count, const Room& room) const;
  Piece<T> copied(Order order, std::int64_t first, std::int64_t count, const Room& room) const;
  void read(std::int64_t j, std::int64_t first, std::int64_t count, T* to, std::ptrdiff_t step) const;
};

extern template class TableSource<float>;
extern template class TableSource<double>;

}  // namespace gdfast
