#include "origin.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "scratch.hpp"

namespace gdfast {
namespace {

constexpr int kSampled = 5;

// x may lie at any byte.
template <class T>
double element(const T* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return static_cast<double>(value);
}

// Rows far apart, of whatever number there are: multiples of the golden ratio have no period for data to share.
std::int64_t sampled_row(int k, std::int64_t n) {
  if (n <= kSampled) return k;
  constexpr double kGolden = 0.61803398874989485;
  const double turns = (k + 0.5) * kGolden;
  return std::min(static_cast<std::int64_t>((turns - std::floor(turns)) * static_cast<double>(n)), n - 1);
}

// From `row` on, and from the first one after the last.
template <class T>
std::int64_t next_that_counts(const Source<T>& source, std::int64_t row) {
  if (!source.weighted()) return row;
  constexpr std::int64_t kRows = 64;
  BorrowedScratch scratch;
  scratch->reserve(source.vector_bytes(kRows));
  const Room room{scratch->take<std::byte>(0), kRows};
  const std::int64_t n = source.n();
  for (std::int64_t step = 0; step < n;) {
    const std::int64_t first = row + step < n ? row + step : row + step - n;
    const std::int64_t count = std::min({kRows, n - first, n - step});
    const T* const s = source.vectors(first, count, room).s;
    for (std::int64_t k = 0; k < count; ++k) {
      if (s[k] > 0) return first + k;
    }
    step += count;
  }
  return row;
}

// Likewise, of the rows of its group.
template <class T>
std::int64_t next_that_counts(const Source<T>& source, const Groups& groups, std::int64_t row) {
  if (!source.weighted()) return row;
  BorrowedScratch scratch;
  scratch->reserve(source.vector_bytes(1));
  const Room room{scratch->take<std::byte>(0), 1};
  const std::int64_t* const ids = groups.ids();
  for (std::int64_t step = 0, n = source.n(); step < n; ++step) {
    const std::int64_t i = row + step < n ? row + step : row + step - n;
    if (ids[i] == ids[row] && source.vectors(i, 1, room).s[0] > 0) return i;
  }
  return row;
}

// A few rows of a source, far apart.
template <class T>
class Rows {
 public:
  Rows(const Source<T>& source, const std::int64_t* rows, int count) {
    const Order order = source.layout().columns && !source.layout().rows ? Order::columns : Order::rows;
    if (source.ready(order)) {
      const Piece<T> all = source.piece(order, 0, source.n(), {nullptr, source.n()});
      column_stride_ = all.column_stride;
      for (int k = 0; k < count; ++k) row_[k] = {all.x + rows[k] * all.row_stride, all.y + rows[k]};
      return;
    }
    const std::size_t bytes = source.room_bytes(order, 1);
    copies_.emplace()->reserve(kSampled * bytes);
    for (int k = 0; k < count; ++k) {
      const Room room{(*copies_)->take<std::byte>(static_cast<std::int64_t>(bytes)), 1};
      const Piece<T> piece = source.piece(order, rows[k], 1, room);
      column_stride_ = piece.column_stride;
      row_[k] = {piece.x, piece.y};
    }
  }

  double x(int k, std::int64_t j) const { return element(row_[k].x + j * column_stride_); }
  double y(int k) const { return static_cast<double>(*row_[k].y); }

 private:
  struct Row {
    const T *x, *y;
  };
  Row row_[kSampled];
  std::ptrdiff_t column_stride_ = 0;
  std::optional<BorrowedScratch> copies_;
};

// The lower one of the two in the middle; 0 where none is finite.
double median(const double* values, int count) {
  double sorted[kSampled];
  int finite = 0;
  for (int k = 0; k < count; ++k) {
    if (!std::isfinite(values[k])) continue;
    int place = finite++;
    for (; place > 0 && sorted[place - 1] > values[k]; --place) sorted[place] = sorted[place - 1];
    sorted[place] = values[k];
  }
  return finite == 0 ? 0 : sorted[(finite - 1) / 2];
}

// Of n rows; row(k) is where number k of them lies.
template <class T, class SampledRow>
Origin medians(const Source<T>& source, std::int64_t n, SampledRow row) {
  const auto count = static_cast<int>(std::min<std::int64_t>(n, kSampled));
  std::int64_t rows[kSampled];
  for (int k = 0; k < count; ++k) rows[k] = row(sampled_row(k, n));
  const Rows<T> sampled(source, rows, count);
  double values[kSampled];
  Origin origin(source.d());
  for (std::int64_t j = 0; j < source.d(); ++j) {
    for (int k = 0; k < count; ++k) values[k] = sampled.x(k, j);
    origin.x()[j] = median(values, count);
  }
  for (int k = 0; k < count; ++k) values[k] = sampled.y(k);
  origin.y = median(values, count);
  return origin;
}

}  // namespace

template <class T>
Origin choose_origin(const Source<T>& source) {
  return medians(source, source.n(), [&](std::int64_t row) { return next_that_counts(source, row); });
}

template <class T>
Origin choose_origin(const Source<T>& source, const Groups& groups, std::int64_t group) {
  return medians(source, groups.size(group), [&](std::int64_t number) {
    std::int64_t row = 0;
    groups.rows(group, number, 1, &row);
    return next_that_counts(source, groups, row);
  });
}

template Origin choose_origin(const Source<float>&);
template Origin choose_origin(const Source<double>&);
template Origin choose_origin(const Source<float>&, const Groups&, std::int64_t);
template Origin choose_origin(const Source<double>&, const Groups&, std::int64_t);

}  // namespace gdfast
