// The sums of each segment in float64, and their merge in the order of the segments.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>

#include "blocks.hpp"
#include "matrix_view.hpp"
#include "scratch.hpp"

namespace gdfast {

// The sum of all lanes: the upper half is added to the lower, and again. Two lanes at a time, which every CPU can do.
inline double add_lanes(const double (&lanes)[kLanes<float>]) {
  using Pair = double __attribute__((vector_size(16)));
  Pair pairs[kLanes<float> / 2];
  std::memcpy(pairs, lanes, sizeof(pairs));
  for (int half = kLanes<float> / 4; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) pairs[k] += pairs[k + half];
  }
  return pairs[0][0] + pairs[0][1];
}

// Counted without an early end, so that it is a few instructions for a register of them.
inline bool all_finite(const double* values, std::int64_t count) {
  int others = 0;
  for (std::int64_t j = 0; j < count; ++j) {
    others |= static_cast<int>(!(std::abs(values[j]) <= std::numeric_limits<double>::max()));
  }
  return others == 0;
}

// Whether squares of n rows have lost no digits that show: of few columns float32 adds a few of them before they are widened
// (`FewSums`), and may have rounded what is as small as this to fewer digits, or to 0.
template <class T>
bool squares_hold(double squares, std::int64_t n, std::int64_t d) {
  constexpr double kLeast = 0x1p-102;  // 2²⁴ times the least normal number
  return kDType<T> == DType::f64 || d >= kNarrowRows<T> || squares >= kLeast * static_cast<double>(n);
}

class SegmentSums {
 public:
  // Takes its memory from `scratch`, zeroed.
  SegmentSums(int segments, std::int64_t d, Scratch& scratch);
  static std::size_t bytes(int segments, std::int64_t d);

  double* grad(int segment) const { return sums_ + segment * size_ + kScalars; }
  // Adds up the lanes of a finished segment.
  void set_scalars(int segment, const Sums& lanes);
  // Pairwise, neighbours first: the error grows with the logarithm of the number of segments.
  void merge();

  // Whether all merged sums are.
  bool finite() const { return all_finite(sums_, size_); }
  void clear();

  double loss() const { return sums_[0]; }
  double grad_b() const { return sums_[1]; }
  double weight() const { return sums_[2]; }
  const double* grad() const { return grad(0); }

 private:
  static constexpr std::int64_t kScalars = 3;
  int segments_;
  std::int64_t size_;
  double* sums_;
};

}  // namespace gdfast
