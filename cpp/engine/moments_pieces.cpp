#include <algorithm>
#include <vector>

#include "counted_scratch.hpp"
#include "moments_job.hpp"

namespace gdfast {
namespace {

// Rows of which a chain of FMAs makes one sum. A panel of 16 columns stays in L1 while the next rows of x arrive. Blocks of
// the narrow form, whose chains run over every eighth row, are longer for less overhead.
constexpr std::int64_t kBlockRows = 128, kNarrowBlockRows = 1024;

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

template <class T>
struct PieceJob : MomentsJob<T> {
  using Panels = typename MomentsJob<T>::Panels;
  Pieces pieces;
  double* matrices;
  std::int64_t first = 0;  // piece of the current round

  std::int64_t elements() const { return this->size * this->size; }

  void piece(int k) {
    if (this->stop()) return;
    const std::int64_t start = (first + k) * pieces.rows;
    const std::int64_t end = std::min(start + pieces.rows, this->source.n());
    if (this->source.d() < kNarrowMoments) {
      sum_narrow(k, start, end);
    } else {
      sum(k, start, end);
    }
    this->counters.add_read((end - start) * this->source.row_bytes());
  }

  void sum_narrow(int k, std::int64_t start, std::int64_t end) {
    // Columns a strip more than there are rows apart, so that they don't compete for the same sets of the cache.
    const std::int64_t rows = pieces.block + kStrip;
    const std::size_t bytes = this->reader.narrow_bytes(rows);
    CountedScratch scratch(Scratch::bytes<double>(elements()) + bytes, &this->counters);
    double* const sums = zeros(*scratch);
    const Room room{scratch->template take<std::byte>(static_cast<std::int64_t>(bytes)), rows};
    // A block of one column is so short a piece of work that asking for it shows: what lies ready is asked for once.
    const std::int64_t asked = this->reader.narrow_lies_ready() ? end - start : pieces.block;
    for (std::int64_t i = start; i < end && !this->stop(); i += asked) {
      NarrowBlock<T> all = this->reader.read_narrow(i, std::min(asked, end - i), room);
      all.out = sums;
      sum_blocks(all);
    }
    add(sums, k);
  }

  void sum_blocks(NarrowBlock<T> left) {
    const std::int64_t end = left.n;
    for (std::int64_t done = 0; done < end && !this->stop(); done += pieces.block) {
      left.n = std::min(pieces.block, end - done);
      kernels<T>().moments.narrow[this->source.d()](left);
      left.x += left.n;
      left.y += left.n;
      if (left.s != nullptr) left.s += left.n;
    }
  }

  void sum(int k, std::int64_t start, std::int64_t end) {
    const std::size_t bytes = this->reader.room_bytes(pieces.block);
    CountedScratch scratch(Scratch::bytes<double>(elements()) + Panels::bytes(this->source, pieces.block) + bytes,
                           &this->counters);
    double* const sums = zeros(*scratch);
    const Panels panels(this->source, pieces.block, *scratch);
    const Room room{scratch->template take<std::byte>(static_cast<std::int64_t>(bytes)), pieces.block};
    for (std::int64_t i = start; i < end && !this->stop(); i += pieces.block) {
      const std::int64_t rows = std::min(pieces.block, end - i), next = i + rows;
      this->reader.read(i, rows, 0, panels, room);
      Ahead ahead = this->source.ahead(next, std::min(pieces.block, end - next));
      for (std::int64_t band = 0; band <= this->strips; ++band) {
        this->band(band, 0, this->strips, panels, 0, rows, sums, ahead);
      }
      this->scalars(i, rows, room, sums);
    }
    add(sums, k);
  }

  double* zeros(Scratch& scratch) const {
    auto* const sums = scratch.take<double>(elements());
    std::fill_n(sums, elements(), 0.0);
    return sums;
  }

  void add(const double* sums, int k) {
    double* const matrix = matrices + k * elements();
    for (std::int64_t e = 0; e < elements(); ++e) matrix[e] += sums[e];
  }

  // Pairwise, neighbours first.
  void merge(double* gram) {
    for (int step = 1; step < pieces.matrices; step *= 2) {
      for (int i = 0; i + step < pieces.matrices; i += 2 * step) add(matrices + (i + step) * elements(), i);
    }
    std::copy_n(matrices, elements(), gram);
  }
};

}  // namespace

template <class T>
bool moments_in_pieces(const Source<T>& source, const Origin& origin, double* gram, Counters& counters,
                       const Stop* stop) {
  const Pieces pieces(source.n(), source.d());
  const std::int64_t elements = pieces.matrices * (source.d() + 2) * (source.d() + 2);
  std::vector<double> matrices(static_cast<std::size_t>(elements));
  counters.take(elements * 8);
  PieceJob<T> job{{source, origin, counters, StopFlag(stop)}, pieces, matrices.data()};
  const int threads = threads_for_moments(source.n(), source.d());
  for (; job.first < pieces.count && !job.stop(); job.first += pieces.matrices) {
    const int count = static_cast<int>(std::min<std::int64_t>(pieces.matrices, pieces.count - job.first));
    run_tasks(count, threads, [](void* self, int k) { static_cast<PieceJob<T>*>(self)->piece(k); }, &job);
  }
  job.merge(gram);
  counters.give(elements * 8);
  return !job.stop();
}

template bool moments_in_pieces<float>(const Source<float>&, const Origin&, double*, Counters&, const Stop*);
template bool moments_in_pieces<double>(const Source<double>&, const Origin&, double*, Counters&, const Stop*);

}  // namespace gdfast
