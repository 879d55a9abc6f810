#include <algorithm>
#include <vector>

#include "moments_job.hpp"
#include "scratch.hpp"

namespace gdfast {
namespace {

// Scratch of this thread, counted.
class CountedScratch {
 public:
  CountedScratch(std::size_t bytes, Counters& counters)
      : bytes_(static_cast<std::int64_t>(bytes)), counters_(counters) {
    scratch_->reserve(bytes);
    counters_.take(bytes_);
  }
  ~CountedScratch() { counters_.give(bytes_); }
  CountedScratch(const CountedScratch&) = delete;
  CountedScratch& operator=(const CountedScratch&) = delete;
  Scratch& operator*() { return *scratch_; }

 private:
  BorrowedScratch scratch_;
  std::int64_t bytes_;
  Counters& counters_;
};

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
  Pieces pieces;
  double* matrices;
  std::int64_t first = 0;  // piece of the current round

  std::int64_t elements() const { return this->size * this->size; }

  void piece(int k) {
    if (this->stop()) return;
    const std::int64_t start = (first + k) * pieces.rows;
    const std::int64_t end = std::min(start + pieces.rows, this->data.x.n);
    if (this->data.x.d < kNarrowMoments) {
      sum<typename PanelReader<T>::NarrowRoom>(k, start, end);
    } else {
      sum<typename PanelReader<T>::Room>(k, start, end);
    }
    this->counters.add_read(this->bytes_of(end - start));
  }

  template <class AnyRoom>
  void sum(int k, std::int64_t start, std::int64_t end) {
    CountedScratch scratch(Scratch::bytes<double>(elements()) + AnyRoom::bytes(this->data, pieces.block),
                           this->counters);
    auto* const sums = (*scratch).template take<double>(elements());
    std::fill_n(sums, elements(), 0.0);
    const AnyRoom room(this->data, pieces.block, *scratch);
    for (std::int64_t i = start; i < end && !this->stop(); i += pieces.block) {
      block(i, std::min(i + pieces.block, end), end, room, sums);
    }
    add(sums, k);
  }

  // Rows [i, next) of a piece that ends at `end`.
  void block(std::int64_t i, std::int64_t next, std::int64_t, const typename PanelReader<T>::NarrowRoom& room,
             double* sums) const {
    NarrowBlock<T> block = this->reader.read_narrow(i, next - i, room);
    block.out = sums;
    kernels<T>().moments.narrow[this->data.x.d](block);
  }

  void block(std::int64_t i, std::int64_t next, std::int64_t end, const typename PanelReader<T>::Room& room,
             double* sums) const {
    this->reader.read(i, next - i, 0, room);
    Ahead ahead = this->reader.ahead(next, std::min(pieces.block, end - next));
    for (std::int64_t k = 0; k <= this->strips; ++k) {
      this->band(k, 0, this->strips, room, 0, next - i, sums, ahead);
    }
    this->scalars(i, next - i, room, sums);
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
bool moments_in_pieces(const DataSet& data, const Origin& origin, double* gram, Counters& counters, const Stop* stop) {
  const Pieces pieces(data.x.n, data.x.d);
  const std::int64_t elements = pieces.matrices * (data.x.d + 2) * (data.x.d + 2);
  std::vector<double> matrices(static_cast<std::size_t>(elements));
  counters.take(elements * 8);
  PieceJob<T> job{{data, origin, counters, StopFlag(stop)}, pieces, matrices.data()};
  const int threads = threads_for_moments(data.x.n, data.x.d);
  for (; job.first < pieces.count && !job.stop(); job.first += pieces.matrices) {
    const int count = static_cast<int>(std::min<std::int64_t>(pieces.matrices, pieces.count - job.first));
    run_tasks(count, threads, [](void* self, int k) { static_cast<PieceJob<T>*>(self)->piece(k); }, &job);
  }
  job.merge(gram);
  counters.give(elements * 8);
  return !job.stop();
}

template bool moments_in_pieces<float>(const DataSet&, const Origin&, double*, Counters&, const Stop*);
template bool moments_in_pieces<double>(const DataSet&, const Origin&, double*, Counters&, const Stop*);

}  // namespace gdfast
