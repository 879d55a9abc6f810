#include <algorithm>
#include <memory>

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
  double *gram, *others;   // the first matrix, and those after it
  std::int64_t first = 0;  // piece of the current round
  // What pieces need is asked for once a job: a piece of few columns takes a microsecond.
  bool narrow = this->source.d() < kNarrowMoments;
  // Columns a strip more than there are rows apart, so that they don't compete for the same sets of the cache.
  std::int64_t room_rows = pieces.block + (narrow ? kStrip : 0);
  std::size_t room_bytes = narrow ? this->reader.narrow_bytes(room_rows) : this->reader.room_bytes(room_rows);

  std::int64_t elements() const { return this->size * this->size; }
  double* matrix(int k) const { return k == 0 ? gram : others + (k - 1) * elements(); }
  // A matrix's first piece is summed in the matrix itself.
  bool first_round() const { return first == 0; }

  void piece(int k) {
    if (this->stop()) return;
    const std::int64_t start = (first + k) * pieces.rows;
    const std::int64_t end = std::min(start + pieces.rows, this->source.n());
    narrow ? sum_narrow(start, end, matrix(k)) : sum(start, end, matrix(k));
    this->counters.add_read((end - start) * this->source.row_bytes());
  }

  void sum_narrow(std::int64_t start, std::int64_t end, double* matrix) {
    double own[(kNarrowMoments + 1) * (kNarrowMoments + 1)];
    double* const sums = zeros(first_round() ? matrix : own);
    if (room_bytes == 0) {
      sum_blocks(start, end - start, {nullptr, room_rows}, sums);
    } else {
      CountedScratch scratch(room_bytes, &this->counters);
      const Room to = room(*scratch);
      for (std::int64_t i = start; i < end; i += pieces.block) sum_blocks(i, std::min(pieces.block, end - i), to, sums);
    }
    if (sums != matrix) add(sums, matrix);
  }

  // Of rows that are read at once.
  void sum_blocks(std::int64_t first_row, std::int64_t count, const Room& room, double* sums) {
    NarrowBlock<T> left = this->reader.read_narrow(first_row, count, room);
    left.out = sums;
    for (std::int64_t done = 0; done < count && (done == 0 || !this->stop()); done += pieces.block) {
      left.n = std::min(pieces.block, count - done);
      kernels<T>().moments.narrow[this->source.d()](left);
      left.x += left.n;
      left.y += left.n;
      if (left.s != nullptr) left.s += left.n;
    }
  }

  void sum(std::int64_t start, std::int64_t end, double* matrix) {
    CountedScratch scratch(Scratch::bytes<double>(elements()) + Panels::bytes(this->source, pieces.block) + room_bytes,
                           &this->counters);
    double* const own = scratch->template take<double>(elements());
    double* const sums = zeros(first_round() ? matrix : own);
    const Panels panels(this->source, pieces.block, *scratch);
    const Room to = room(*scratch);
    for (std::int64_t i = start; i < end && (i == start || !this->stop()); i += pieces.block) {
      const std::int64_t rows = std::min(pieces.block, end - i), next = i + rows;
      this->reader.read(i, rows, 0, panels, to);
      Ahead ahead = this->source.ahead(next, std::min(pieces.block, end - next));
      for (std::int64_t band = 0; band <= this->strips; ++band) {
        this->band(band, 0, this->strips, panels, 0, rows, sums, ahead);
      }
      this->scalars(i, rows, to, sums);
    }
    if (sums != matrix) add(sums, matrix);
  }

  Room room(Scratch& scratch) const {
    return {scratch.take<std::byte>(static_cast<std::int64_t>(room_bytes)), room_rows};
  }

  double* zeros(double* sums) const {
    std::fill_n(sums, elements(), 0.0);
    return sums;
  }

  void add(const double* sums, double* matrix) const {
    const std::int64_t count = elements();
    for (std::int64_t e = 0; e < count; ++e) matrix[e] += sums[e];
  }

  // Pairwise, neighbours first.
  void merge() {
    for (int step = 1; step < pieces.matrices; step *= 2) {
      for (int i = 0; i + step < pieces.matrices; i += 2 * step) add(matrix(i + step), matrix(i));
    }
  }
};

}  // namespace

template <class T>
bool moments_in_pieces(const Source<T>& source, const Origin& origin, double* gram, Counters& counters,
                       const Stop* stop) {
  const Pieces pieces(source.n(), source.d());
  const std::int64_t others = (pieces.matrices - 1) * (source.d() + 2) * (source.d() + 2);
  const auto memory = std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(others));
  counters.take(others * 8);
  // A single block is over before anybody could ask for its end.
  const Stop* const asked = source.n() <= pieces.block ? nullptr : stop;
  PieceJob<T> job{{source, origin, counters, StopFlag(asked)}, pieces, gram, memory.get()};
  const int threads = threads_for_moments(source.n(), source.d());
  for (; job.first < pieces.count && !job.stop(); job.first += pieces.matrices) {
    const int count = static_cast<int>(std::min<std::int64_t>(pieces.matrices, pieces.count - job.first));
    run_tasks(count, threads, [](void* self, int k) { static_cast<PieceJob<T>*>(self)->piece(k); }, &job);
  }
  counters.give(others * 8);
  if (job.stop()) return false;
  job.merge();
  return true;
}

template bool moments_in_pieces<float>(const Source<float>&, const Origin&, double*, Counters&, const Stop*);
template bool moments_in_pieces<double>(const Source<double>&, const Origin&, double*, Counters&, const Stop*);

}  // namespace gdfast
