// One pass over a source: segments are shared among threads, each goes through its pieces, a kernel sums, and sums are
// merged in the order of the segments.
#pragma once

#include <atomic>

#include "blocks.hpp"
#include "counters.hpp"
#include "forms.hpp"
#include "segment_sums.hpp"
#include "stop_flag.hpp"

namespace gdfast {

// Room for a row's numbers, and zeros after them: kernels take whole registers.
inline std::int64_t padded(std::int64_t d) { return (d / kLanes<float> + 1) * kLanes<float>; }

template <class T>
struct Pass {
  const Source<T>& source;
  Segments segments;
  Walk<T> walk;
  const T* w = nullptr;  // d weights, padded
  T b = T(0);
  T* out = nullptr;             // where predictions go
  SegmentSums* sums = nullptr;  // a place a segment
  const Stop* stop = nullptr;
  Counters* counters = nullptr;
  std::atomic<bool>* negative = nullptr;  // where a weight below 0 is told, if wanted
};

// False if `stop` gave up. Sums aren't merged yet.
template <class T>
bool run(const Pass<T>& pass);

}  // namespace gdfast
