// Rows of a matrix that are picked one by one: what a batch is made of.
#pragma once

#include "matrix.hpp"

namespace gdfast {

// The rows wanted, in this order, as numbers from 0; x.n says how many. What follows them in the array is fetched from
// memory meanwhile.
struct Selection {
  const std::int64_t* rows = nullptr;
  std::int64_t known = 0;  // entries of `rows` that there are
};

template <class T>
class GatheredSource final : public Source<T> {
 public:
  GatheredSource(const Samples& samples, const Selection& selection);

  // Instantiated below, which the check doesn't see. NOLINTBEGIN(portability-template-virtual-member-function)
  std::int64_t rows_a_piece(Order order) const override;
  std::size_t room_bytes(Order order, std::int64_t rows) const override;
  Piece<T> piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const override;
  std::size_t vector_bytes(std::int64_t rows) const override;
  Piece<T> vectors(std::int64_t first, std::int64_t count, const Room& room) const override;
  // NOLINTEND(portability-template-virtual-member-function)

 private:
  MatrixView x_;
  TableView table_;
  Vectors<T> vectors_;
  Selection selection_;

  void gather_x(const Picked& picked, T* out) const;

  Picked picked(std::int64_t first, std::int64_t count) const {
    return {selection_.rows + first, count, selection_.known - first};
  }
};

extern template class GatheredSource<float>;
extern template class GatheredSource<double>;

}  // namespace gdfast
