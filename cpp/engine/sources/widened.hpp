// Rows of a source of float32 in float64, for problems whose numbers float32 can hold but whose residuals or products it
// can't. Every number is float32 first, as the kernels of float32 have it.
#pragma once

#include "engine/source.hpp"

namespace gdfast {

// Columns, a cache-sized piece at a time. The inner source must outlive this.
class WidenedSource final : public Source<double> {
 public:
  explicit WidenedSource(const Source<float>& inner);

  std::int64_t rows_a_piece(Order order) const override;
  std::size_t room_bytes(Order order, std::int64_t rows) const override;
  Piece<double> piece(Order order, std::int64_t first, std::int64_t count, const Room& room) const override;
  std::size_t vector_bytes(std::int64_t rows) const override;
  Piece<double> vectors(std::int64_t first, std::int64_t count, const Room& room) const override;

 private:
  const Source<float>& inner_;
  Order order_;  // in which the inner source hands out its pieces

  static Piece<double> widen_vectors(const Piece<float>& piece, std::int64_t count, const Room& room);
};

}  // namespace gdfast
