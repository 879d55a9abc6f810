#include "panel.hpp"

#include <algorithm>

#include "dispatch.hpp"
#include "pack.hpp"

namespace gdfast {
namespace {

constexpr std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

// A row more than there are: else every strip's row i would lie in the same set of the cache.
std::ptrdiff_t strip_stride(std::int64_t rows) { return (rows + 1) * kStrip; }
std::ptrdiff_t narrow_stride(std::int64_t rows) { return round_up(rows, kStrip) + kStrip; }

template <class T>
bool lies_ready(const VectorView& v) {
  return v.data == nullptr || (v.dtype == kDType<T> && v.stride == static_cast<std::ptrdiff_t>(sizeof(T)));
}

// Elements [first, first + count) as they lie, or a copy in `room`.
template <class T>
const T* vector(const VectorView& v, std::int64_t first, std::int64_t count, T* room) {
  if (lies_ready<T>(v)) return v.data == nullptr ? nullptr : reinterpret_cast<const T*>(v.data) + first;
  pack_vector(v, first, count, room);
  return room;
}

}  // namespace

std::int64_t strips_of(std::int64_t d) { return (d + kStrip - 1) / kStrip; }

template <class T>
PanelReader<T>::PanelReader(const DataSet& data, const Origin& origin)
    : data_(data), origin_(origin), layout_(Layout::elements) {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const MatrixView& x = data.x;
  if ((x.column_stride == kSize || x.d == 1) && x.row_stride % kSize == 0) layout_ = Layout::rows;
  if (x.row_stride == kSize && x.column_stride % kSize == 0 && (x.d == 1 || layout_ != Layout::rows)) {
    layout_ = Layout::columns;
  }
}

template <class T>
const T* PanelReader<T>::row(std::int64_t i) const {
  return reinterpret_cast<const T*>(data_.x.data + i * data_.x.row_stride);
}

template <class T>
std::size_t PanelReader<T>::Room::bytes(const DataSet& data, std::int64_t rows) {
  const std::size_t panels = data.s.data != nullptr ? 2 : 1;
  return panels * Scratch::bytes<double>(strips_of(data.x.d) * strip_stride(rows)) + Scratch::bytes<double>(2 * rows) +
         2 * Scratch::bytes<T>(rows);
}

template <class T>
PanelReader<T>::Room::Room(const DataSet& data, std::int64_t rows, Scratch& scratch) {
  const std::ptrdiff_t stride = strip_stride(rows);
  const std::int64_t size = strips_of(data.x.d) * stride;
  x = weighted = {scratch.take<double>(size), stride};
  if (data.s.data != nullptr) weighted.data = scratch.take<double>(size);
  tail = scratch.take<double>(2 * rows);
  y = scratch.take<T>(rows);
  s = scratch.take<T>(rows);
  std::fill_n(x.data, size, 0.0);  // reading leaves the lanes after x alone
}

template <class T>
void PanelReader<T>::read(std::int64_t first, std::int64_t count, std::int64_t at, const Room& room) const {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const MatrixView& x = data_.x;
  const Panel to{room.x.data + at * kStrip, room.x.stride};
  const MomentsTable<T>& table = kernels<T>().moments;
  switch (layout_) {
    case Layout::rows:
      table.rows(row(first), x.row_stride / kSize, count, x.d, origin_.x.data(), to);
      break;
    case Layout::columns:
      table.columns(row(first), x.column_stride / kSize, count, x.d, origin_.x.data(), to);
      break;
    case Layout::elements:
      read_elements(first, count, to.data, to.stride);
      break;
  }
  double* const tail = room.tail + 2 * at;
  table.tail(vector(data_.y, first, count, room.y + at), vector(data_.s, first, count, room.s + at), count, origin_.y,
             tail);
  if (data_.s.data == nullptr) return;
  panel_kernels().scale(to, strips_of(x.d), tail, count, {room.weighted.data + at * kStrip, room.weighted.stride});
}

template <class T>
void PanelReader<T>::read_elements(std::int64_t first, std::int64_t count, double* to, std::ptrdiff_t stride) const {
  for (std::int64_t j = 0; j < data_.x.d; j += kStrip, to += stride) {
    MatrixView strip = data_.x;
    strip.data += j * strip.column_stride;
    strip.d = std::min(kStrip, strip.d - j);
    pack_as<T>(strip, first, count, to, kStrip, 1);
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t k = 0; k < strip.d; ++k) to[kStrip * i + k] -= origin_.x[static_cast<std::size_t>(j + k)];
    }
  }
}

template <class T>
NarrowBlock<T> PanelReader<T>::without_columns(std::int64_t first, std::int64_t count, const Room& room) const {
  const auto vector = [first](const VectorView& v, const T* copy) {
    return lies_ready<T>(v) && v.data != nullptr ? reinterpret_cast<const T*>(v.data) + first : copy;
  };
  const T* const s = data_.s.data == nullptr ? nullptr : vector(data_.s, room.s);
  return {nullptr, 0, nullptr, origin_.y, vector(data_.y, room.y), s, count, nullptr};
}

template <class T>
std::size_t PanelReader<T>::NarrowRoom::bytes(const DataSet& data, std::int64_t rows) {
  return Scratch::bytes<T>((data.x.d + 2) * narrow_stride(rows));
}

template <class T>
PanelReader<T>::NarrowRoom::NarrowRoom(const DataSet& data, std::int64_t rows, Scratch& scratch)
    : stride(narrow_stride(rows)) {
  x = scratch.take<T>((data.x.d + 2) * stride);
  y = x + data.x.d * stride;
  s = y + stride;
}

template <class T>
NarrowBlock<T> PanelReader<T>::read_narrow(std::int64_t first, std::int64_t count, const NarrowRoom& room) const {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const MatrixView& x = data_.x;
  const T* const y = vector(data_.y, first, count, room.y);
  const T* const s = vector(data_.s, first, count, room.s);
  NarrowBlock<T> block{room.x, room.stride, origin_.x.data(), origin_.y, y, s, count, nullptr};
  // Rows shorter than 16 bytes are read together with what follows, which must be rows too.
  const bool rows_follow = x.row_stride >= x.d * kSize || x.d * kSize >= 16;
  if (layout_ == Layout::columns) {
    block.x = row(first);
    block.stride = x.column_stride / kSize;
  } else if (layout_ == Layout::rows && x.d > 1 && rows_follow) {
    kernels<T>().moments.turn(row(first), x.row_stride / kSize, count, x.d, room.x, room.stride);
  } else {
    pack_as<T>(x, first, count, room.x, 1, room.stride);
  }
  return block;
}

template <class T>
Ahead PanelReader<T>::ahead(std::int64_t first, std::int64_t count) const {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const MatrixView& x = data_.x;
  Ahead ahead{};
  if (count <= 0) return ahead;
  for (const VectorView* v : {&data_.s, &data_.y}) {
    const std::ptrdiff_t size = size_of(v->dtype);
    if (v->data != nullptr && v->stride == size) {
      ahead.area[ahead.areas++] = {v->data + first * size, count * size, 0, 1};
    }
  }
  const char* const start = x.data + first * x.row_stride;
  if (layout_ == Layout::columns) {
    ahead.area[ahead.areas++] = {start, count * kSize, x.column_stride, x.d};
  } else if (layout_ == Layout::rows && x.row_stride == x.d * kSize) {
    ahead.area[ahead.areas++] = {start, count * x.d * kSize, 0, 1};
  } else if (layout_ == Layout::rows && x.row_stride != 0) {
    ahead.area[ahead.areas++] = {start, x.d * kSize, x.row_stride, count};
  }
  return ahead;
}

template class PanelReader<float>;
template class PanelReader<double>;

}  // namespace gdfast
