// What the ways to share the moments among threads have in common.
#pragma once

#include <algorithm>

#include "dispatch.hpp"
#include "moments.hpp"
#include "panel.hpp"
#include "stop_flag.hpp"
#include "thread_pool.hpp"

namespace gdfast {

// Into gram (d + 2)², of whose elements off the diagonal only one of each two is right: the upper one, but from
// kNarrowMoments columns on those below it that `Bands` makes. False if `stop` gave up.
//
// A matrix that fits the cache: one for each of several pieces of x at a time.
template <class T>
bool moments_in_pieces(const Source<T>& source, const Origin& origin, double* gram, Counters& counters,
                       const Stop* stop);
// A large one: one, of which each thread makes some tiles.
template <class T>
bool moments_in_sheets(const Source<T>& source, const Origin& origin, double* gram, Counters& counters,
                       const Stop* stop);

// At most 128 KiB, so that 2 MiB hold one for each of 16 pieces, stay in L2 beside a panel.
inline bool fits_the_cache(std::int64_t d) { return 8 * (d + 2) * (d + 2) <= 128 << 10; }

// What was summed once is copied to its mirror image.
void mirror(double* gram, std::int64_t d);

inline int threads_for_moments(std::int64_t n, std::int64_t d) {
  // Waking a helper takes about 10 µs, in which one thread does some 2¹⁸ products.
  const double shares = static_cast<double>(n) * static_cast<double>((d + 2) * (d + 2)) / (1 << 19);
  return static_cast<int>(std::clamp(shares, 1.0, static_cast<double>(num_threads())));
}

// Rows of which a chain of FMAs makes one sum. A panel of 16 columns stays in L1 while the next rows of x arrive. Blocks of
// the narrow form, whose chains run over every eighth row, are longer for less overhead.
inline constexpr std::int64_t kBlockRows = 128, kNarrowBlockRows = 1024;

// Pieces of consecutive rows; piece p is added to matrix p mod `matrices`. A piece is so short that Ctrl-C waits for no
// other thread's for long, and sums over at most 64 blocks before it is added.
struct Pieces {
  std::int64_t block, rows, count;
  int matrices;

  Pieces(std::int64_t n, std::int64_t d) : block(d < kNarrowMoments ? kNarrowBlockRows : kBlockRows) {
    const std::int64_t blocks = (n + block - 1) / block;
    rows = block * std::clamp<std::int64_t>((blocks + 15) / 16, 1, 64);
    count = (n + rows - 1) / rows;
    const std::int64_t most = std::clamp<std::int64_t>((2 << 20) / (8 * (d + 2) * (d + 2)), 1, 128);
    matrices = static_cast<int>(std::min(count, most));
  }
};

// The matrices of pieces: the first, which is to be the sum of all, and those after it.
struct Matrices {
  double *first, *others;
  std::int64_t elements;

  double* operator[](std::int64_t k) const { return k == 0 ? first : others + (k - 1) * elements; }
  double* zeros(double* sums) const {
    std::fill_n(sums, elements, 0.0);
    return sums;
  }
  void add(const double* sums, double* matrix) const {
    const std::int64_t count = elements;
    for (std::int64_t e = 0; e < count; ++e) matrix[e] += sums[e];
  }
  // Pairwise, neighbours first.
  void merge(int count) const {
    for (int step = 1; step < count; step *= 2) {
      for (int i = 0; i + step < count; i += 2 * step) add((*this)[i + step], (*this)[i]);
    }
  }
};

// Products of the columns of panels. Of the last d mod 8 columns, of 1 and of y those below the diagonal are made: a row
// of the left side costs as many FMAs as there are strips on the right, a last strip of two columns on the right eight for
// each strip on the left.
//
//              strips 0 … whole − 1   the rest
//   strips     ■ ■ ■ ■ ■ ■ ■ ■ ■ ■
//   0 …          ■ ■ ■ ■ ■ ■ ■ ■
//   the rest   ■ ■ ■ ■ ■ ■ ■ ■ ■ ■    ■ ■
//   1, y       ■ ■ ■ ■ ■ ■ ■ ■ ■ ■    ■ ■
struct Bands {
  std::int64_t d;
  std::int64_t size = d + 2;  // of the matrix
  std::int64_t strips = strips_of(d), whole = d / kStrip;

  // Products with strips [from, to) over some rows of a panel: of the eight columns of strip k with the whole strips
  // from k on; of what is left of columns, k = whole < strips, with all; for k = strips, of 1 and y.
  Band band_of(std::int64_t k, std::int64_t from, std::int64_t to, const Panels& panels, std::int64_t row,
               std::int64_t rows, double* gram) const {
    const bool tail = k == strips, rest = k == whole && !tail;
    if (k < whole) {
      from = std::max(from, k);
      to = std::min(to, whole);
    }
    if (from >= to) return {};
    // A product is x times s·x, whichever side they are on.
    const Panel &left = rest ? panels.x : panels.weighted, &right = rest ? panels.weighted : panels.x;
    const std::int64_t first = tail ? d : k * kStrip;
    return {tail ? panels.tail + 2 * row : left.data + k * left.stride + row * kStrip,
            tail ? 2 : kStrip,
            right.data + from * right.stride + row * kStrip,
            right.stride,
            rows,
            static_cast<int>(tail ? 2 : std::min(kStrip, d - first)),
            std::min(to * kStrip, d) - from * kStrip,
            gram + first * size + from * kStrip,
            size,
            k < whole && from == k};
  }

  // And adds them.
  void band(std::int64_t k, std::int64_t from, std::int64_t to, const Panels& panels, std::int64_t row,
            std::int64_t rows, double* gram, Ahead& ahead) const {
    const Band band = band_of(k, from, to, panels, row, rows, gram);
    if (band.width > 0) panel_kernels().band(band, ahead);
  }

  // All of them; what is ahead is fetched evenly meanwhile.
  void sum(const Panels& panels, std::int64_t rows, double* gram, Ahead& ahead) const {
    plan(ahead);
    for (std::int64_t k = 0; k <= strips; ++k) band(k, 0, strips, panels, 0, rows, gram, ahead);
  }

  // The same of eight columns or more, whose panel is made meanwhile.
  template <class T>
  void sum(const RowsOfPanel<T>& x, const Panels& panels, double* gram, Ahead& ahead) const {
    plan(ahead);
    kernels<T>().moments.band_of_rows(band_of(0, 0, strips, panels, 0, x.n, gram), x, ahead);
    for (std::int64_t k = 1; k <= strips; ++k) band(k, 0, strips, panels, 0, x.n, gram, ahead);
  }

  // What is ahead comes evenly with the products.
  void plan(Ahead& ahead) const {
    // Tiles make some more products than this, so the last line is on its way before the last tile.
    ahead.a_product = static_cast<double>(lines(ahead)) / (0.5 * static_cast<double>(size * size));
    // More than L1 takes in beside the products: measured, 0.83 to 0.95 of the time of up to 32 columns of float64.
    ahead.into_l2 = ahead.a_product > 0.88;
  }

  static std::int64_t lines(const Ahead& ahead) {
    std::int64_t count = 0;
    for (int i = 0; i < ahead.areas; ++i) count += ahead.area[i].runs * ((ahead.area[i].bytes + 63) / 64);
    return count;
  }

  // Σ s, Σ s y and Σ s y², y about its origin, over rows without columns.
  template <class T>
  void scalars(NarrowBlock<T> block, double* gram) const {
    double sums[4] = {};
    block.out = sums;
    kernels<T>().moments.narrow[0](block);
    double* const corner = gram + d * (size + 1);
    corner[0] += sums[0];
    corner[1] += sums[1];
    corner[size + 1] += sums[3];
  }
};

template <class T>
struct MomentsJob {
  const Source<T>& source;
  const Origin& origin;
  Counters& counters;
  StopFlag stop;
  Bands bands{source.d()};
  PanelReader<T> reader{source, origin};
};

}  // namespace gdfast
