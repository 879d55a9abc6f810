// What the two ways to share the moments among threads have in common.
#pragma once

#include <algorithm>

#include "dispatch.hpp"
#include "moments.hpp"
#include "panel.hpp"
#include "stop_flag.hpp"
#include "thread_pool.hpp"

namespace gdfast {

// Into gram (d + 2)², of whose elements off the diagonal only one of each two is right: the upper one, but x times 1 and
// y from kNarrowMoments columns on. False if `stop` gave up.
//
// A matrix that fits the cache: one for each of several pieces of x at a time.
template <class T>
bool moments_in_pieces(const Source<T>& source, const Origin& origin, double* gram, Counters& counters,
                       const Stop* stop);
// A large one: one, of which each thread makes some tiles.
template <class T>
bool moments_in_sheets(const Source<T>& source, const Origin& origin, double* gram, Counters& counters,
                       const Stop* stop);

inline int threads_for_moments(std::int64_t n, std::int64_t d) {
  // Waking a helper takes about 10 µs, in which one thread does some 2¹⁸ products.
  const double shares = static_cast<double>(n) * static_cast<double>((d + 2) * (d + 2)) / (1 << 19);
  return static_cast<int>(std::clamp(shares, 1.0, static_cast<double>(num_threads())));
}

template <class T>
struct MomentsJob {
  using Panels = typename PanelReader<T>::Panels;
  const Source<T>& source;
  const Origin& origin;
  Counters& counters;
  StopFlag stop;
  std::int64_t size = source.d() + 2;  // of the matrix
  std::int64_t strips = strips_of(source.d());
  PanelReader<T> reader{source, origin};

  // Products with strips [from, to) over some rows of a panel: of the eight columns of strip k with those from k on; for
  // k = strips, of 1 and y.
  void band(std::int64_t k, std::int64_t from, std::int64_t to, const Panels& panels, std::int64_t row,
            std::int64_t rows, double* gram, Ahead& ahead) const {
    const bool tail = k == strips;
    if (!tail) from = std::max(from, k);
    if (from >= to) return;
    const std::int64_t first = tail ? source.d() : k * kStrip;
    const Band band{tail ? panels.tail + 2 * row : panels.weighted.data + k * panels.weighted.stride + row * kStrip,
                    tail ? 2 : kStrip,
                    panels.x.data + from * panels.x.stride + row * kStrip,
                    panels.x.stride,
                    rows,
                    static_cast<int>(tail ? 2 : std::min(kStrip, source.d() - first)),
                    std::min(to * kStrip, source.d()) - from * kStrip,
                    gram + first * size + from * kStrip,
                    size};
    panel_kernels().band(band, ahead);
  }

  // Σ s, Σ s y and Σ s y², y about its origin, over rows [first, first + rows).
  void scalars(std::int64_t first, std::int64_t rows, const Room& room, double* gram) const {
    double sums[4] = {};
    NarrowBlock<T> block = reader.without_columns(first, rows, room);
    block.out = sums;
    kernels<T>().moments.narrow[0](block);
    double* const corner = gram + source.d() * (size + 1);
    corner[0] += sums[0];
    corner[1] += sums[1];
    corner[size + 1] += sums[3];
  }
};

}  // namespace gdfast
