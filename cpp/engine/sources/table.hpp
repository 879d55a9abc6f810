// Rows of a table whose columns have types and addresses of their own: columns of T are made of them, a piece that stays
// in the cache at a time.
#pragma once

#include "matrix.hpp"

namespace gdfast {

// Samples with a table for x, whose matrix view has no more than its size.
template <class T>
class TableSource final : public Source<T> {
 public:
  explicit TableSource(const Samples& samples);

  // Instantiated below, which the check doesn't see. NOLINTBEGIN(portability-template-virtual-member-function)
  std::int64_t rows_a_piece(Order order) const override;
  std::size_t room_bytes(Order order, std::int64_t rows) const override;
  Piece<T> piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const override;
  std::size_t vector_bytes(std::int64_t rows) const override;
  Piece<T> vectors(std::int64_t first, std::int64_t count, const Room& room) const override;
  // NOLINTEND(portability-template-virtual-member-function)

 private:
  TableView table_;
  Vectors<T> vectors_;
};

extern template class TableSource<float>;
extern template class TableSource<double>;

}  // namespace gdfast
