// Rows of a source less a point near their means. Beside an offset as large as that of timestamps every residual is
// rounded to the offset's digits, and so is whatever is summed of them; what is left of such rows here has all of its own.
#pragma once

#include "engine/source.hpp"

namespace gdfast {

// The point: a number for each column, and for y. Numbers that are within a factor of two of each other are subtracted
// without rounding (Sterbenz 1974).
struct Centre {
  const double* x = nullptr;  // null: there is none, and rows are taken as they are
  double y = 0;

  explicit operator bool() const { return x != nullptr; }
};

// Made in the cache, a piece at a time, in the order in which the inner source's rows lie. The inner source and the
// centre's numbers must outlive this.
template <class T>
class CentredSource final : public Source<T> {
 public:
  CentredSource(const Source<T>& inner, const Centre& centre);

  // Instantiated below, which the check doesn't see. NOLINTBEGIN(portability-template-virtual-member-function)
  std::int64_t rows_a_piece(Order order) const override;
  std::size_t room_bytes(Order order, std::int64_t rows) const override;
  Piece<T> piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const override;
  std::size_t vector_bytes(std::int64_t rows) const override;
  Piece<T> vectors(std::int64_t first, std::int64_t count, const Room& room) const override;
  Ahead ahead(std::int64_t first, std::int64_t count) const override { return inner_->ahead(first, count); }
  // NOLINTEND(portability-template-virtual-member-function)

 private:
  const Source<T>* inner_;
  Centre centre_;

  void subtract(Order order, const Piece<T>& piece, std::int64_t count, const Room& room, T* out) const;
  const T* targets(const T* y, std::int64_t count, const Room& room) const;
};

extern template class CentredSource<float>;
extern template class CentredSource<double>;

}  // namespace gdfast
