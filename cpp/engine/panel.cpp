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

// As T, then as float64: what x's dtype can't hold of y is no part of the problem.
template <class T>
void widen(const VectorView& v, std::int64_t first, std::int64_t count, double* out) {
  if (v.dtype == kDType<T> && v.stride == static_cast<std::ptrdiff_t>(sizeof(T))) {
    kernels<T>().moments.vector(reinterpret_cast<const T*>(v.data) + first, count, out);
  } else {
    pack_vector_as<T>(v, first, count, out);
  }
}

// A column of z in its strip.
double* column(const Panel& panel, std::int64_t j, std::int64_t row) {
  return panel.data + j / kStrip * panel.stride + j % kStrip + row * kStrip;
}

}  // namespace

std::int64_t strips_of(std::int64_t d) { return (d + 2 + kStrip - 1) / kStrip; }

bool tail_times_x(std::int64_t d) { return d % kStrip == 0 || d % kStrip == kStrip - 1; }

std::vector<BandShape> bands_of(std::int64_t d) {
  std::vector<BandShape> bands;
  const std::int64_t strips = strips_of(d);
  const bool apart = tail_times_x(d);
  const std::int64_t width = apart ? d : d + 2;
  for (std::int64_t first = 0; first < width; first += kStrip) {
    const int columns = static_cast<int>(std::min(kStrip, width - first));
    bands.push_back({first, columns, first / kStrip, apart ? strips - 1 : strips});
  }
  if (apart && d % kStrip == 0) bands.push_back({d, 2, 0, strips});
  if (apart && d % kStrip != 0) {
    for (const std::int64_t j : {d, d + 1}) bands.push_back({j, 1, 0, strips});
  }
  return bands;
}

template <class T>
PanelReader<T>::PanelReader(const DataSet& data) : data_(data), layout_(Layout::elements) {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const MatrixView& x = data.x;
  if ((x.column_stride == kSize || x.d == 1) && x.row_stride % kSize == 0) layout_ = Layout::rows;
  if (x.row_stride == kSize && x.column_stride % kSize == 0 && (x.d == 1 || layout_ != Layout::rows)) {
    layout_ = Layout::columns;
  }
}

template <class T>
const T* PanelReader<T>::at(std::int64_t row) const {
  return reinterpret_cast<const T*>(data_.x.data + row * data_.x.row_stride);
}

template <class T>
std::size_t PanelReader<T>::Room::bytes(const DataSet& data, std::int64_t rows) {
  const std::size_t panel = Scratch::bytes<double>(strips_of(data.x.d) * strip_stride(rows));
  const std::size_t vector = Scratch::bytes<double>(rows);
  return (data.s.data != nullptr ? 2 : 1) * (panel + vector);
}

template <class T>
PanelReader<T>::Room::Room(const DataSet& data, std::int64_t rows, Scratch& scratch) {
  const std::ptrdiff_t stride = strip_stride(rows);
  const std::int64_t size = strips_of(data.x.d) * stride;
  z = weighted = {scratch.take<double>(size), stride};
  y = scratch.take<double>(rows);
  s = nullptr;
  std::fill_n(z.data, size, 0.0);  // reading leaves the lanes after y alone
  if (data.s.data == nullptr) return;
  weighted.data = scratch.take<double>(size);
  s = scratch.take<double>(rows);
}

template <class T>
void PanelReader<T>::read(std::int64_t first, std::int64_t count, std::int64_t at_row, const Room& room) const {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const MatrixView& x = data_.x;
  const Panel z{room.z.data + at_row * kStrip, room.z.stride};
  const MomentsTable<T>& table = kernels<T>().moments;
  switch (layout_) {
    case Layout::rows:
      table.rows(at(first), x.row_stride / kSize, count, x.d, z);
      break;
    case Layout::columns:
      table.columns(at(first), x.column_stride / kSize, count, x.d, z);
      break;
    case Layout::elements:
      elements(first, count, at_row, room.z);
      break;
  }
  double* const y = room.y + at_row;
  widen<T>(data_.y, first, count, y);
  double* const ones = column(room.z, x.d, at_row);
  double* const ys = column(room.z, x.d + 1, at_row);
  for (std::int64_t i = 0; i < count; ++i) ones[i * kStrip] = 1;
  for (std::int64_t i = 0; i < count; ++i) ys[i * kStrip] = y[i];
  if (room.s == nullptr) return;
  double* const s = room.s + at_row;
  widen<T>(data_.s, first, count, s);
  panel_kernels().scale(z, strips_of(x.d), s, count, {room.weighted.data + at_row * kStrip, room.weighted.stride});
}

template <class T>
void PanelReader<T>::elements(std::int64_t first, std::int64_t count, std::int64_t at_row, const Panel& out) const {
  for (std::int64_t j = 0; j < data_.x.d; j += kStrip) {
    MatrixView strip = data_.x;
    strip.data += j * strip.column_stride;
    strip.d = std::min(kStrip, strip.d - j);
    pack_as<T>(strip, first, count, column(out, j, at_row), kStrip, 1);
    // Zeros up to the strip's end: 1 and y come into their places later, the rest was never written.
  }
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
  const auto vector = [&](const VectorView& v, T* packed) -> const T* {
    if (v.data == nullptr) return nullptr;
    if (v.dtype == kDType<T> && v.stride == kSize) return reinterpret_cast<const T*>(v.data) + first;
    pack_vector(v, first, count, packed);
    return packed;
  };
  NarrowBlock<T> block{room.x, room.stride, vector(data_.y, room.y), vector(data_.s, room.s), count, nullptr};
  // Rows shorter than 16 bytes are read together with what follows, which must be rows too.
  const bool rows_follow = x.row_stride >= x.d * kSize || x.d * kSize >= 16;
  if (layout_ == Layout::columns) {
    block.x = at(first);
    block.stride = x.column_stride / kSize;
  } else if (layout_ == Layout::rows && x.d > 1 && rows_follow) {
    kernels<T>().moments.turn(at(first), x.row_stride / kSize, count, x.d, room.x, room.stride);
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
