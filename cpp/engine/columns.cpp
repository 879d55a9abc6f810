#include "columns.hpp"

#include <algorithm>

#include "dispatch.hpp"

namespace gdfast {
namespace {

template <class T>
void read_part(const Column& column, const ColumnPart& part, std::int64_t row, std::int64_t count, T* to,
               std::ptrdiff_t step) {
  const std::int64_t i = row - part.start;
  if (column.packed) {
    kernels<T>().unpack(part.data, part.bit + i, count, to, step);
  } else {
    kernels<T>().convert[static_cast<int>(column.dtype)](part.data + i * part.stride, part.stride, count, to, step);
  }
  if (!part.validity) return;
  for (std::int64_t k = 0; k < count; ++k) {
    if (!part.validity(i + k)) to[k * step] = T(0);
  }
}

auto part_of(const Column& column, std::int64_t row) {
  return std::ranges::upper_bound(column.parts, row, {}, &ColumnPart::end);
}

// What of rows [first, first + count) lies in each part: f(part, row, how many).
template <class F>
void for_each_part(const Column& column, std::int64_t first, std::int64_t count, F f) {
  for (auto part = part_of(column, first); count > 0; ++part) {
    const std::int64_t here = std::min(count, part->end - first);
    f(*part, first, here);
    first += here;
    count -= here;
  }
}

template <class T>
bool is_plain(const Column& column, const ColumnPart& part) {
  return column.dtype == kDType<T> && !column.packed && part.stride == std::ptrdiff_t{sizeof(T)} && !part.validity;
}

}  // namespace

std::int64_t TableView::row_bytes() const {
  std::int64_t bits = 0;
  for (const Column& column : *columns) bits += column.packed ? 1 : 8 * size_of(column.dtype);
  return (bits + 7) / 8;
}

template <class T>
const T* lying(const Column& column, std::int64_t first, std::int64_t count) {
  const auto part = part_of(column, first);
  if (!is_plain<T>(column, *part) || first + count > part->end) return nullptr;
  return reinterpret_cast<const T*>(part->data) + (first - part->start);
}

template <class T>
bool always_lies(const Column& column) {
  return column.parts.size() == 1 && is_plain<T>(column, column.parts.front());
}

template <class T>
void read_column(const Column& column, std::int64_t first, std::int64_t count, T* to, std::ptrdiff_t step) {
  for_each_part(column, first, count, [&](const ColumnPart& part, std::int64_t row, std::int64_t here) {
    read_part(column, part, row, here, to + (row - first) * step, step);
  });
}

void fetch_column(const Column& column, std::int64_t first, std::int64_t count) {
  constexpr std::ptrdiff_t kLine = 64;
  const auto part = part_of(column, first);
  if (part == column.parts.end()) return;
  const std::int64_t i = first - part->start, rows = std::min(count, part->end - first);
  const char* at = column.packed ? part->data + (part->bit + i) / 8 : part->data + i * part->stride;
  const std::ptrdiff_t stride = column.packed ? 0 : part->stride;
  const std::int64_t bytes = column.packed ? rows / 8 : rows * stride;
  for (std::int64_t k = 0; k < bytes; k += std::max(kLine, stride)) __builtin_prefetch(at + k, 0, 2);
}

template <class T>
void pick_column(const Column& column, std::int64_t first, const std::int64_t* rows, std::int64_t count, T* to,
                 std::ptrdiff_t step) {
  auto part = column.parts.begin();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t row = first + rows[i];
    if (row < part->start || row >= part->end) part = part_of(column, row);
    read_part(column, *part, row, 1, to + i * step, step);
  }
}

template <class T>
std::int64_t clear_missing(const Column& column, std::int64_t first, std::int64_t count, T* to) {
  std::int64_t cleared = 0;
  for_each_part(column, first, count, [&](const ColumnPart& part, std::int64_t row, std::int64_t here) {
    if (!part.validity) return;
    for (std::int64_t k = 0; k < here; ++k) {
      if (part.validity(row - part.start + k)) continue;
      to[row - first + k] = T(0);
      ++cleared;
    }
  });
  return cleared;
}

template const float* lying(const Column&, std::int64_t, std::int64_t);
template const double* lying(const Column&, std::int64_t, std::int64_t);
template bool always_lies<float>(const Column&);
template bool always_lies<double>(const Column&);
template void read_column(const Column&, std::int64_t, std::int64_t, float*, std::ptrdiff_t);
template void read_column(const Column&, std::int64_t, std::int64_t, double*, std::ptrdiff_t);
template void pick_column(const Column&, std::int64_t, const std::int64_t*, std::int64_t, float*, std::ptrdiff_t);
template void pick_column(const Column&, std::int64_t, const std::int64_t*, std::int64_t, double*, std::ptrdiff_t);
template std::int64_t clear_missing(const Column&, std::int64_t, std::int64_t, float*);
template std::int64_t clear_missing(const Column&, std::int64_t, std::int64_t, double*);

}  // namespace gdfast
