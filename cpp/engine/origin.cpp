#include "origin.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/kernel_table.hpp"

namespace gdfast {
namespace {

constexpr int kSampled = 5;

template <class T>
double element(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return static_cast<double>(value);
}

double element(const VectorView& v, std::int64_t i) {
  const char* const p = v.data + i * v.stride;
  return v.dtype == DType::f32 ? element<float>(p) : element<double>(p);
}

// Rows far apart, of whatever number there are: multiples of the golden ratio have no period for data to share.
std::int64_t sampled_row(int k, std::int64_t n) {
  if (n <= kSampled) return k;
  constexpr double kGolden = 0.61803398874989485;
  const double turns = (k + 0.5) * kGolden;
  return std::min(static_cast<std::int64_t>((turns - std::floor(turns)) * static_cast<double>(n)), n - 1);
}

std::int64_t next_that_counts(const VectorView& s, std::int64_t n, std::int64_t row) {
  if (s.data == nullptr) return row;
  for (std::int64_t step = 0; step < n; ++step) {
    const std::int64_t next = row + step < n ? row + step : row + step - n;
    if (element(s, next) > 0) return next;
  }
  return row;
}

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

}  // namespace

template <class T>
Origin choose_origin(const DataSet& data) {
  const MatrixView& x = data.x;
  const auto count = static_cast<int>(std::min<std::int64_t>(x.n, kSampled));
  std::int64_t rows[kSampled];
  for (int k = 0; k < count; ++k) rows[k] = next_that_counts(data.s, x.n, sampled_row(k, x.n));
  double values[kSampled];
  Origin origin{std::vector<double>(static_cast<std::size_t>((x.d + kStrip - 1) / kStrip * kStrip), 0.0)};
  for (std::int64_t j = 0; j < x.d; ++j) {
    const char* const column = x.data + j * x.column_stride;
    for (int k = 0; k < count; ++k) values[k] = element<T>(column + rows[k] * x.row_stride);
    origin.x[static_cast<std::size_t>(j)] = median(values, count);
  }
  // y is used in x's dtype.
  for (int k = 0; k < count; ++k) values[k] = static_cast<double>(static_cast<T>(element(data.y, rows[k])));
  origin.y = median(values, count);
  return origin;
}

template Origin choose_origin<float>(const DataSet&);
template Origin choose_origin<double>(const DataSet&);

}  // namespace gdfast
