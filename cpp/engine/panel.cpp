#include "panel.hpp"

#include <algorithm>

#include "dispatch.hpp"

namespace gdfast {
namespace {

// A row more than there are: else every strip's row i would lie in the same set of the cache.
std::ptrdiff_t strip_stride(std::int64_t rows) { return (rows + 1) * kStrip; }

}  // namespace

std::int64_t strips_of(std::int64_t d) { return (d + kStrip - 1) / kStrip; }

std::size_t Panels::bytes(std::int64_t d, bool weights, std::int64_t rows) {
  const std::size_t panels = weights ? 2 : 1;
  return panels * Scratch::bytes<double>(strips_of(d) * strip_stride(rows)) + Scratch::bytes<double>(2 * rows);
}

Panels::Panels(std::int64_t d, bool weights, std::int64_t rows, Scratch& scratch) : strips(strips_of(d)) {
  const std::ptrdiff_t stride = strip_stride(rows);
  const std::int64_t size = strips * stride;
  x = weighted = {scratch.take<double>(size), stride};
  if (weights) weighted.data = scratch.take<double>(size);
  tail = scratch.take<double>(2 * rows);
  // Reading leaves the lanes after x alone.
  if (d % kStrip != 0) std::fill_n(x.data + size - stride, stride, 0.0);
}

template <class T>
void Panels::finish(const T* y, const T* s, double y_origin, std::int64_t at, std::int64_t count) const {
  kernels<T>().moments.tail(y, s, count, y_origin, tail + 2 * at);
  if (s == nullptr) return;
  panel_kernels().scale(rows_from(at), strips, tail + 2 * at, count, {weighted.data + at * kStrip, weighted.stride});
}

template <class T>
void widen(const Piece<T>& piece, Order order, std::int64_t count, std::int64_t d, const Origin& origin, Panel to) {
  const MomentsTable<T>& table = kernels<T>().moments;
  if (order == Order::rows) {
    table.rows(piece.x, piece.row_stride, count, d, origin.x(), to);
  } else {
    table.columns(piece.x, piece.column_stride, count, d, origin.x(), to);
  }
}

template void widen(const Piece<float>&, Order, std::int64_t, std::int64_t, const Origin&, Panel);
template void widen(const Piece<double>&, Order, std::int64_t, std::int64_t, const Origin&, Panel);
template void Panels::finish(const float*, const float*, double, std::int64_t, std::int64_t) const;
template void Panels::finish(const double*, const double*, double, std::int64_t, std::int64_t) const;

template <class T>
PanelReader<T>::PanelReader(const Source<T>& source, const Origin& origin)
    : source_(source),
      origin_(origin),
      order_(source.layout().columns && !source.layout().rows ? Order::columns : Order::rows),
      in_rows_(!source.layout().columns && source.layout().rows_touch && source.d() < kNarrowMoments &&
               kernels<T>().moments.narrow_rows[source.d()] != nullptr),
      // Rows shorter than 16 bytes are read together with what follows, which must be rows too.
      turns_(!in_rows_ && !source.layout().columns && source.layout().rows && source.d() > 1 &&
             source.layout().rows_follow) {}

template <class T>
void PanelReader<T>::read(std::int64_t first, std::int64_t count, std::int64_t at, const Panels& panels,
                          const Room& room) const {
  const Piece<T> piece = source_.piece(order_, first, count, room);
  widen(piece, order_, count, source_.d(), origin_, panels.rows_from(at));
  panels.finish(piece.y, piece.s, origin_.y, at, count);
}

template <class T>
bool PanelReader<T>::reads_later() const {
  return order_ == Order::rows && source_.d() >= kStrip && !source_.weighted() &&
         kernels<T>().moments.band_of_rows != nullptr;
}

template <class T>
RowsOfPanel<T> PanelReader<T>::read_later(std::int64_t first, std::int64_t count, const Panels& panels,
                                          const Room& room) const {
  const Piece<T> piece = source_.piece(Order::rows, first, count, room);
  panels.finish(piece.y, piece.s, origin_.y, 0, count);
  return {piece.x, piece.row_stride, count, source_.d(), origin_.x(), panels.x};
}

template <class T>
NarrowBlock<T> PanelReader<T>::without_columns(std::int64_t first, std::int64_t count, const Room& room) const {
  const Piece<T> piece = source_.vectors(first, count, room);
  return {.y_origin = origin_.y, .y = piece.y, .s = piece.s, .n = count};
}

template <class T>
std::size_t PanelReader<T>::narrow_bytes(std::int64_t rows) const {
  const std::size_t turned = turns_ ? Scratch::bytes<T>(source_.d() * rows) : 0;
  return turned + source_.room_bytes(turns_ || in_rows_ ? Order::rows : Order::columns, rows);
}

template <class T>
NarrowBlock<T> PanelReader<T>::read_narrow(std::int64_t first, std::int64_t count, const Room& room) const {
  Room rest = room;
  if (turns_) rest.memory += Scratch::bytes<T>(source_.d() * room.rows);
  const Piece<T> piece = source_.piece(turns_ || in_rows_ ? Order::rows : Order::columns, first, count, rest);
  NarrowBlock<T> block{.x = piece.x,
                       .stride = piece.column_stride,
                       .origin = origin_.x(),
                       .y_origin = origin_.y,
                       .y = piece.y,
                       .s = piece.s,
                       .n = count,
                       .next = piece.x,
                       .next_stride = piece.column_stride};
  if (turns_) {
    T* const columns = reinterpret_cast<T*>(room.memory);
    kernels<T>().moments.turn(piece.x, piece.row_stride, count, source_.d(), columns, room.rows);
    block.x = columns;
    block.stride = room.rows;
    block.next_stride = room.rows;
    // Where the rows come from memory, they are followed by the next ones.
    if (source_.ready(Order::rows) && first + count < source_.n()) block.next += count * piece.row_stride;
  }
  return block;
}

template <class T>
void PanelReader<T>::sum_narrow(NarrowBlock<T>& block, std::int64_t n) const {
  const MomentsTable<T>& table = kernels<T>().moments;
  const std::int64_t left = block.n - n;
  block.n = n;
  // Of columns that lie in memory the next rows follow; those that were turned are all there are.
  if (!turns_ && left > 0) block.next = block.x + n;
  (in_rows_ ? table.narrow_rows : table.narrow)[source_.d()](block);
  block.x += n * (in_rows_ ? source_.d() : 1);
  block.y += n;
  if (block.s != nullptr) block.s += n;
  block.n = left;
}

template class PanelReader<float>;
template class PanelReader<double>;

}  // namespace gdfast
