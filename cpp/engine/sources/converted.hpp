// Rows of a matrix of another storage type than what is computed with: float16, integers, Booleans.
#pragma once

#include "made.hpp"
#include "matrix.hpp"

namespace gdfast {

// Converted a cache-sized piece at a time, in the order in which x lies. Pieces end where a run may be cut, so that the
// bits are those of x converted as a whole, unless rows are so wide that such a piece would take kMostMadeBytes.
template <class T>
class ConvertedSource final : public OrderedSource<T> {
 public:
  explicit ConvertedSource(const Samples& samples);

  // Instantiated below, which the check doesn't see. NOLINTBEGIN(portability-template-virtual-member-function)
  std::int64_t rows_a_piece(Order order) const override;
  std::size_t room_bytes(Order order, std::int64_t rows) const override;
  Piece<T> piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const override;
  Ahead ahead(std::int64_t first, std::int64_t count) const override;
  // NOLINTEND(portability-template-virtual-member-function)

 private:
  using OrderedSource<T>::vectors_;

  MatrixView x_;

  Order natural() const;
  std::int64_t unit(Order order) const;
};

extern template class ConvertedSource<float>;
extern template class ConvertedSource<double>;

}  // namespace gdfast
