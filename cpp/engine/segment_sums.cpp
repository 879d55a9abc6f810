#include "segment_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gdfast {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();

double add_lanes(const double (&lanes)[kLanes<float>]) {
  double sums[kLanes<float>];
  std::copy(std::begin(lanes), std::end(lanes), sums);
  for (int half = kLanes<float> / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) sums[k] += sums[k + half];
  }
  return sums[0];
}

}  // namespace

SegmentSums::SegmentSums(int segments, std::int64_t d, Scratch& scratch)
    : segments_(segments), size_(kScalars + d), sums_(scratch.take<double>(segments * size_)) {
  clear();
}

void SegmentSums::clear() { std::fill_n(sums_, segments_ * size_, 0.0); }

bool SegmentSums::finite() const {
  int others = 0;  // counted without an early end, so that it is a few instructions for a register of them
  for (std::int64_t j = 0; j < size_; ++j) others |= static_cast<int>(!(std::abs(sums_[j]) <= kLargest));
  return others == 0;
}

std::size_t SegmentSums::bytes(int segments, std::int64_t d) {
  return Scratch::bytes<double>(segments * (kScalars + d));
}

void SegmentSums::set_scalars(int segment, const Sums& lanes) {
  double* scalars = sums_ + segment * size_;
  scalars[0] = add_lanes(lanes.loss);
  scalars[1] = add_lanes(lanes.grad_b);
  scalars[2] = add_lanes(lanes.weight);
}

void SegmentSums::merge() {
  for (int step = 1; step < segments_; step *= 2) {
    for (int i = 0; i + step < segments_; i += 2 * step) {
      double* into = sums_ + i * size_;
      const double* from = sums_ + (i + step) * size_;
      for (std::int64_t j = 0; j < size_; ++j) into[j] += from[j];
    }
  }
}

}  // namespace gdfast
