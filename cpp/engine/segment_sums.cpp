#include "segment_sums.hpp"

#include <algorithm>

namespace gdfast {

SegmentSums::SegmentSums(int segments, std::int64_t d, Scratch& scratch)
    : segments_(segments), size_(kScalars + d), sums_(scratch.take<double>(segments * size_)) {
  clear();
}

void SegmentSums::clear() { std::fill_n(sums_, segments_ * size_, 0.0); }

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
