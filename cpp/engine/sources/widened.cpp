#include "widened.hpp"

#include <algorithm>

#include "engine/matrix_view.hpp"
#include "engine/pack.hpp"
#include "engine/scratch.hpp"

namespace gdfast {
namespace {

std::size_t own_vector_bytes(std::int64_t rows) { return 3 * Scratch::bytes<double>(rows); }

}  // namespace

WidenedSource::WidenedSource(const Source<float>& inner)
    : inner_(inner), order_(inner.layout().columns && !inner.layout().rows ? Order::columns : Order::rows) {
  n_ = inner.n();
  row_bytes_ = inner.row_bytes();
  weighted_ = inner.weighted();
  layout_.d = inner.d();
  layout_.n = packed_rows(inner.d(), sizeof(double));
  layout_.columns = true;
  layout_.rows = inner.d() == 1;
}

std::int64_t WidenedSource::rows_a_piece(Order /*order*/) const { return layout_.n; }

std::size_t WidenedSource::room_bytes(Order /*order*/, std::int64_t rows) const {
  return own_vector_bytes(rows) + Scratch::bytes<double>(rows * d()) + inner_.room_bytes(order_, rows);
}

std::size_t WidenedSource::vector_bytes(std::int64_t rows) const {
  return own_vector_bytes(rows) + inner_.vector_bytes(rows);
}

Piece<double> WidenedSource::piece(Order /*order*/, std::int64_t first, std::int64_t count, const Room& room) const {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(float));
  auto* const x = reinterpret_cast<double*>(room.memory + own_vector_bytes(room.rows));
  std::byte* const rest = room.memory + own_vector_bytes(room.rows) + Scratch::bytes<double>(room.rows * d());
  const Piece<float> inner = inner_.piece(order_, first, count, {rest, room.rows});
  const MatrixView view{reinterpret_cast<const char*>(inner.x),
                        count,
                        d(),
                        inner.row_stride * kSize,
                        inner.column_stride * kSize,
                        DType::f32};
  pack_as<float>(view, 0, count, x, 1, room.rows);
  Piece<double> piece = widen_vectors(inner, count, room);
  piece.x = x;
  piece.row_stride = 1;
  piece.column_stride = room.rows;
  return piece;
}

Piece<double> WidenedSource::vectors(std::int64_t first, std::int64_t count, const Room& room) const {
  return widen_vectors(inner_.vectors(first, count, {room.memory + own_vector_bytes(room.rows), room.rows}), count,
                       room);
}

Piece<double> WidenedSource::widen_vectors(const Piece<float>& piece, std::int64_t count, const Room& room) {
  std::byte* next = room.memory;
  const auto one = [&](const float* v) -> const double* {
    if (v == nullptr) return nullptr;
    auto* const copy = reinterpret_cast<double*>(next);
    next += Scratch::bytes<double>(room.rows);
    std::copy_n(v, count, copy);
    return copy;
  };
  Piece<double> wide;
  wide.y = one(piece.y);
  wide.s = one(piece.s);
  wide.y_pred = one(piece.y_pred);
  return wide;
}

}  // namespace gdfast
