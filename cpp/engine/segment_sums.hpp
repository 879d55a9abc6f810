// The sums of each segment in float64, and their merge in the order of the segments.
#pragma once

#include "blocks.hpp"
#include "scratch.hpp"

namespace gdfast {

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
  bool finite() const;
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
