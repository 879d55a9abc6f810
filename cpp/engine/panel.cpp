#include "panel.hpp"

#include <algorithm>

#include "dispatch.hpp"

namespace gdfast {
namespace {

// A row more than there are: else every strip's row i would lie in the same set of the cache.
std::ptrdiff_t strip_stride(std::int64_t rows) { return (rows + 1) * kStrip; }

}  // namespace

std::int64_t strips_of(std::int64_t d) { return (d + kStrip - 1) / kStrip; }

template <class T>
PanelReader<T>::PanelReader(const Source<T>& source, const Origin& origin)
    : source_(source),
      origin_(origin),
      order_(source.layout().columns && !source.layout().rows ? Order::columns : Order::rows),
      // Rows shorter than 16 bytes are read together with what follows, which must be rows too.
      turns_(!source.layout().columns && source.layout().rows && source.d() > 1 && source.layout().rows_follow) {}

template <class T>
std::size_t PanelReader<T>::Panels::bytes(const Source<T>& source, std::int64_t rows) {
  const std::size_t panels = source.weighted() ? 2 : 1;
  return panels * Scratch::bytes<double>(strips_of(source.d()) * strip_stride(rows)) + Scratch::bytes<double>(2 * rows);
}

template <class T>
PanelReader<T>::Panels::Panels(const Source<T>& source, std::int64_t rows, Scratch& scratch) {
  const std::ptrdiff_t stride = strip_stride(rows);
  const std::int64_t size = strips_of(source.d()) * stride;
  x = weighted = {scratch.take<double>(size), stride};
  if (source.weighted()) weighted.data = scratch.take<double>(size);
  tail = scratch.take<double>(2 * rows);
  // Reading leaves the lanes after x alone.
  if (source.d() % kStrip != 0) std::fill_n(x.data + size - stride, stride, 0.0);
}

template <class T>
void PanelReader<T>::read(std::int64_t first, std::int64_t count, std::int64_t at, const Panels& panels,
                          const Room& room) const {
  const Piece<T> piece = source_.piece(order_, first, count, room);
  const Panel to{panels.x.data + at * kStrip, panels.x.stride};
  const MomentsTable<T>& table = kernels<T>().moments;
  if (order_ == Order::rows) {
    table.rows(piece.x, piece.row_stride, count, source_.d(), origin_.x(), to);
  } else {
    table.columns(piece.x, piece.column_stride, count, source_.d(), origin_.x(), to);
  }
  double* const tail = panels.tail + 2 * at;
  table.tail(piece.y, piece.s, count, origin_.y, tail);
  if (piece.s == nullptr) return;
  panel_kernels().scale(to, strips_of(source_.d()), tail, count,
                        {panels.weighted.data + at * kStrip, panels.weighted.stride});
}

template <class T>
NarrowBlock<T> PanelReader<T>::without_columns(std::int64_t first, std::int64_t count, const Room& room) const {
  const Piece<T> piece = source_.vectors(first, count, room);
  return {nullptr, 0, nullptr, origin_.y, piece.y, piece.s, count, nullptr};
}

template <class T>
std::size_t PanelReader<T>::narrow_bytes(std::int64_t rows) const {
  if (!turns_) return source_.room_bytes(Order::columns, rows);
  return Scratch::bytes<T>(source_.d() * rows) + source_.room_bytes(Order::rows, rows);
}

template <class T>
NarrowBlock<T> PanelReader<T>::read_narrow(std::int64_t first, std::int64_t count, const Room& room) const {
  Room rest = room;
  if (turns_) rest.memory += Scratch::bytes<T>(source_.d() * room.rows);
  Piece<T> piece = source_.piece(turns_ ? Order::rows : Order::columns, first, count, rest);
  if (turns_) {
    T* const columns = reinterpret_cast<T*>(room.memory);
    kernels<T>().moments.turn(piece.x, piece.row_stride, count, source_.d(), columns, room.rows);
    piece.x = columns;
    piece.column_stride = room.rows;
  }
  return {piece.x, piece.column_stride, origin_.x(), origin_.y, piece.y, piece.s, count, nullptr};
}

template class PanelReader<float>;
template class PanelReader<double>;

}  // namespace gdfast
