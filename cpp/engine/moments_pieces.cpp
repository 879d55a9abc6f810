#include <algorithm>
#include <memory>

#include "counted_scratch.hpp"
#include "moments_job.hpp"

namespace gdfast {
namespace {

template <class T>
struct PieceJob : MomentsJob<T> {
  Pieces pieces;
  Matrices matrices;
  std::int64_t first = 0;  // piece of the current round
  // What pieces need is asked for once a job: a piece of few columns takes a microsecond.
  bool narrow = this->source.d() < kNarrowMoments;
  // Columns a strip more than there are rows apart, so that they don't compete for the same sets of the cache.
  std::int64_t room_rows = pieces.block + (narrow ? kStrip : 0);
  std::size_t room_bytes = narrow ? this->reader.narrow_bytes(room_rows) : this->reader.room_bytes(room_rows);

  // A matrix's first piece is summed in the matrix itself.
  bool first_round() const { return first == 0; }

  void piece(int k) {
    if (this->stop()) return;
    const std::int64_t start = (first + k) * pieces.rows;
    const std::int64_t end = std::min(start + pieces.rows, this->source.n());
    narrow ? sum_narrow(start, end, matrices[k]) : sum(start, end, matrices[k]);
    this->counters.add_read((end - start) * this->source.row_bytes());
  }

  void sum_narrow(std::int64_t start, std::int64_t end, double* matrix) {
    double own[(kNarrowMoments + 1) * (kNarrowMoments + 1)];
    double* const sums = matrices.zeros(first_round() ? matrix : own);
    if (room_bytes == 0) {
      sum_blocks(start, end - start, {nullptr, room_rows}, sums);
    } else {
      CountedScratch scratch(room_bytes, &this->counters);
      const Room to = room(*scratch);
      for (std::int64_t i = start; i < end; i += pieces.block) sum_blocks(i, std::min(pieces.block, end - i), to, sums);
    }
    if (sums != matrix) matrices.add(sums, matrix);
  }

  // Of rows that are read at once.
  void sum_blocks(std::int64_t first_row, std::int64_t count, const Room& room, double* sums) {
    NarrowBlock<T> left = this->reader.read_narrow(first_row, count, room);
    left.out = sums;
    for (bool first_block = true; left.n > 0 && (first_block || !this->stop()); first_block = false) {
      this->reader.sum_narrow(left, std::min(pieces.block, left.n));
    }
  }

  void sum(std::int64_t start, std::int64_t end, double* matrix) {
    const std::int64_t d = this->source.d();
    const bool weighted = this->source.weighted();
    CountedScratch scratch(
        Scratch::bytes<double>(matrices.elements) + Panels::bytes(d, weighted, pieces.block) + room_bytes,
        &this->counters);
    auto* const own = scratch->template take<double>(matrices.elements);
    double* const sums = matrices.zeros(first_round() ? matrix : own);
    const Panels panels(d, weighted, pieces.block, *scratch);
    const Room to = room(*scratch);
    for (std::int64_t i = start; i < end && (i == start || !this->stop()); i += pieces.block) {
      const std::int64_t rows = std::min(pieces.block, end - i), next = i + rows;
      Ahead ahead = this->source.ahead(next, std::min(pieces.block, end - next));
      if (this->reader.reads_later()) {
        this->bands.sum(this->reader.read_later(i, rows, panels, to), panels, sums, ahead);
      } else {
        this->reader.read(i, rows, 0, panels, to);
        this->bands.sum(panels, rows, sums, ahead);
      }
      this->bands.scalars(this->reader.without_columns(i, rows, to), sums);
    }
    if (sums != matrix) matrices.add(sums, matrix);
  }

  Room room(Scratch& scratch) const {
    return {scratch.take<std::byte>(static_cast<std::int64_t>(room_bytes)), room_rows};
  }
};

}  // namespace

template <class T>
bool moments_in_pieces(const Source<T>& source, const Origin& origin, double* gram, Counters& counters,
                       const Stop* stop) {
  const Pieces pieces(source.n(), source.d());
  const std::int64_t elements = (source.d() + 2) * (source.d() + 2), others = (pieces.matrices - 1) * elements;
  const auto memory = std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(others));
  counters.take(others * 8);
  // A single block is over before anybody could ask for its end.
  const Stop* const asked = source.n() <= pieces.block ? nullptr : stop;
  PieceJob<T> job{{source, origin, counters, StopFlag(asked)}, pieces, {gram, memory.get(), elements}};
  const int threads = threads_for_moments(source.n(), source.d());
  for (; job.first < pieces.count && !job.stop(); job.first += pieces.matrices) {
    const int count = static_cast<int>(std::min<std::int64_t>(pieces.matrices, pieces.count - job.first));
    run_tasks(count, threads, [](void* self, int k) { static_cast<PieceJob<T>*>(self)->piece(k); }, &job);
  }
  counters.give(others * 8);
  if (job.stop()) return false;
  job.matrices.merge(pieces.matrices);
  return true;
}

template bool moments_in_pieces<float>(const Source<float>&, const Origin&, double*, Counters&, const Stop*);
template bool moments_in_pieces<double>(const Source<double>&, const Origin&, double*, Counters&, const Stop*);

}  // namespace gdfast
