// Rows of a matrix, one after the other, whatever its strides.
#pragma once

#include "engine/columns.hpp"
#include "vectors.hpp"

namespace gdfast {

// The user's arrays. Vectors that are absent have null data. Where there is a table, x has no more than its size.
struct Samples {
  MatrixView x;
  VectorView y, s, y_pred;
  TableView table = {};
};

// How x lies for kernels of elements of this size.
Layout layout_of(const MatrixView& x, std::ptrdiff_t element_size);

// Adds the memory that rows [first, first + count) lie in, if they do so in this order.
void rows_ahead(const MatrixView& x, Order order, std::int64_t first, std::int64_t count, Ahead& ahead);

// x has dtype T. y, s and y_pred have any floating dtype and stride: they are converted a piece at a time.
template <class T>
class MatrixSource final : public OrderedSource<T> {
 public:
  explicit MatrixSource(const Samples& samples);

  // Instantiated below, which the check doesn't see. NOLINTBEGIN(portability-template-virtual-member-function)
  std::int64_t rows_a_piece(Order order) const override;
  std::size_t room_bytes(Order order, std::int64_t rows) const override;
  Piece<T> piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const override;
  Ahead ahead(std::int64_t first, std::int64_t count) const override;
  // NOLINTEND(portability-template-virtual-member-function)

 private:
  using OrderedSource<T>::vectors_;

  MatrixView x_;
};

extern template class MatrixSource<float>;
extern template class MatrixSource<double>;

}  // namespace gdfast
