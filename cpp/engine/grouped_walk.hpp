// A walk over rows that sends each to the block of its group. Groups are summed as if each were alone.
#pragma once

#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

#include "counted_scratch.hpp"
#include "grouped_blocks.hpp"
#include "groups.hpp"

namespace gdfast {

// A group as it is summed: in the pieces that it would have alone.
struct Summed {
  std::int64_t number;
  Pieces pieces;
  Origin origin;
  Matrices matrices;
  std::unique_ptr<double[]> memory;  // of the matrices after the first

  // Of a walk that meets all pieces, in their order: then neighbours are added as soon as both are there, as `merge` would
  // at the end, and those that wait for one are few.
  bool stacked = false;

  static int waiting(std::int64_t piece) { return std::popcount(static_cast<std::uint64_t>(piece)); }
  double* matrix(std::int64_t piece) const { return matrices[stacked ? waiting(piece) : piece % pieces.matrices]; }
  // Once a piece is summed.
  void pair_up(std::int64_t piece) const {
    if (!stacked) return;
    int last = waiting(piece);
    for (std::int64_t bit = 1; (piece & bit) != 0; bit *= 2, --last) matrices.add(matrices[last], matrices[last - 1]);
  }
  void merge() const {
    if (!stacked) return matrices.merge(pieces.matrices);
    for (int last = waiting(pieces.count) - 1; last > 0; --last) matrices.add(matrices[last], matrices[last - 1]);
  }
  // A round fills each matrix with one piece.
  std::int64_t rounds() const { return (pieces.count + pieces.matrices - 1) / pieces.matrices; }
  std::int64_t pieces_of(std::int64_t round) const {
    return std::clamp<std::int64_t>(pieces.count - round * pieces.matrices, 0, pieces.matrices);
  }
};

// Groups that are summed in one read.
template <class T>
struct GroupedJob {
  const Source<T>& source;
  const Groups& groups;
  Counters& counters;
  StopFlag& stop;
  std::vector<Summed> summed{};
  std::vector<int> place{};  // of each group in `summed`; their number for one that isn't there
  std::int64_t bytes = 0;    // of their matrices after the first
  std::int64_t later = 0;    // how many of them have more pieces than matrices
  bool all = false;          // whether every row belongs to one of them
  std::int64_t round = 0, tasks = 1;
};

// One of `tasks` parts of the current round.
template <class T, class Blocks>
class Walk {
 public:
  // `later`: of so many groups that have pieces in later rounds, which are summed in a matrix of their own.
  static std::int64_t bytes(const Source<T>& source, std::int64_t groups, std::int64_t later) {
    const std::size_t blocks = Blocks::bytes(source, Blocks::shared(source) ? 1 : groups);
    const std::size_t queue = Scratch::bytes<std::int64_t>(Blocks::kRows);
    const std::size_t own = Scratch::bytes<double>((source.d() + 2) * (source.d() + 2));
    return static_cast<std::int64_t>(blocks + static_cast<std::size_t>(groups + 1) * queue +
                                     static_cast<std::size_t>(later) * own);
  }

  Walk(GroupedJob<T>& job, std::int64_t task)
      : job_(job),
        count_(job.summed.size()),
        scratch_(static_cast<std::size_t>(bytes(job.source, std::ssize(job.summed), job.later)), &job.counters),
        blocks_(job.source, Blocks::shared(job.source) ? 1 : std::ssize(job.summed), *scratch_),
        shares_(count_ + 1),
        queues_(count_ + 1) {
    for (std::size_t k = 0; k < count_; ++k) shares_[k] = share_of(job.summed[k], task);
    for (Queue& queue : queues_) queue.rows = scratch_->template take<std::int64_t>(Blocks::kRows);
    for (std::size_t k = 0; k <= count_; ++k) wait(k);
    for (const int place : job.place) queue_of_.push_back(&queues_[static_cast<std::size_t>(place)]);
  }

  void run() {
    // Windows and steps are short, so that Ctrl-C needn't wait for a chunk.
    const std::int64_t step = std::min<std::int64_t>(blocks_.window_rows(), 1024);
    const Groups& groups = job_.groups;
    for (std::int64_t chunk = 0; chunk < groups.chunks(); ++chunk) {
      if (!concerns(chunk)) continue;
      enter(chunk);
      const std::int64_t end = groups.chunk_start(chunk + 1);
      for (std::int64_t i = groups.chunk_start(chunk); i < end; i += step) {
        if (job_.stop()) return;
        walk(i, std::min(i + step, end));
      }
    }
    for (const Share& share : shares_) job_.counters.add_read((share.end - share.first) * job_.source.row_bytes());
  }

 private:
  // Rows [first, end) of the group are this task's. `seen` rows of it are behind, of which the last `filled` are in the
  // open block.
  struct Share {
    std::int64_t first = 0, end = 0, seen = 0, filled = 0;
    std::int64_t piece = 0, piece_end = 0;
    double *own = nullptr, *sums = nullptr;

    bool open() const { return first <= seen && seen < end; }
  };
  // Rows of a group that are appended to its block, or passed over, when there are so many of them.
  struct Queue {
    std::int64_t *rows, *next, *full;
  };

  GroupedJob<T>& job_;
  std::size_t count_;
  CountedScratch scratch_;
  Blocks blocks_;
  std::vector<Share> shares_;  // the last one, which is never open, stands for the groups that aren't summed
  std::vector<Queue> queues_;
  std::vector<Queue*> queue_of_;  // of each group
  std::int64_t fetched_ = 0;

  Share share_of(const Summed& group, std::int64_t task) {
    const std::int64_t first = job_.round * group.pieces.matrices, count = group.pieces_of(job_.round);
    const std::int64_t from = first + task * count / job_.tasks, to = first + (task + 1) * count / job_.tasks;
    const std::int64_t n = job_.groups.size(group.number), rows = group.pieces.rows;
    Share share;
    share.first = std::min(from * rows, n);
    share.end = std::min(to * rows, n);
    share.piece = from;
    if (group.rounds() > 1) share.own = scratch_->template take<double>(group.matrices.elements);
    return share;
  }

  bool concerns(std::int64_t chunk) const {
    for (std::size_t k = 0; k < count_; ++k) {
      const std::int64_t group = job_.summed[k].number;
      const bool before = job_.groups.before(chunk + 1, group) <= shares_[k].first;
      if (!before && job_.groups.before(chunk, group) < shares_[k].end) return true;
    }
    return false;
  }

  // Chunks may have been left out.
  void enter(std::int64_t chunk) {
    for (std::size_t k = 0; k < count_; ++k) {
      if (shares_[k].open()) continue;
      shares_[k].seen = job_.groups.before(chunk, job_.summed[k].number);
      wait(k);
    }
  }

  void walk(std::int64_t first, std::int64_t end) {
    const std::int64_t start = blocks_.read(first, end - first);
    const std::int64_t* const ids = job_.groups.ids();
    Queue* const* const queue_of = queue_of_.data();
    for (std::int64_t i = first; i < end; ++i) {
      if (i % 8 == 0) __builtin_prefetch(ids + i + kIdsAhead);
      Queue& queue = *queue_of[ids[i]];
      *queue.next++ = i - start;
      if (queue.next == queue.full) take(static_cast<std::size_t>(&queue - queues_.data()), i);
    }
    if (Blocks::shared(job_.source)) return;
    for (std::size_t k = 0; k < count_; ++k) take(k, end);  // while the window is there
  }

  // The queue's rows; the walk is at `row`.
  void take(std::size_t k, std::int64_t row) {
    Share& share = shares_[k];
    const std::int64_t count = queues_[k].next - queues_[k].rows;
    const bool open = share.open();
    share.seen += count;
    if (open) append(k, count, row);
    wait(k);
  }

  void append(std::size_t k, std::int64_t count, std::int64_t row) {
    Share& share = shares_[k];
    const Summed& group = job_.summed[k];
    const std::size_t block = Blocks::shared(job_.source) ? 0 : k;
    blocks_.append(block, queues_[k].rows, count, share.filled, group.origin);
    share.filled += count;
    if (share.filled < Blocks::kRows && share.seen < share.piece_end) return;
    Ahead next = ahead(row);
    blocks_.sum(block, share.filled, group.origin, share.sums, next);
    share.filled = 0;
    if (share.seen < share.piece_end) return;
    double* const matrix = group.matrix(share.piece);
    if (share.sums != matrix) group.matrices.add(share.sums, matrix);
    group.pair_up(share.piece++);
  }

  void wait(std::size_t k) {
    Share& share = shares_[k];
    Queue& queue = queues_[k];
    std::int64_t wanted = Blocks::kRows;
    if (share.open()) {
      if (share.seen >= share.piece_end) open_piece(share, job_.summed[k]);
      wanted = std::min(wanted - share.filled, share.piece_end - share.seen);
    } else if (share.seen < share.first) {
      wanted = std::min(wanted, share.first - share.seen);
    }
    queue.next = queue.rows;
    queue.full = queue.rows + wanted;
  }

  void open_piece(Share& share, const Summed& group) const {
    share.piece_end = std::min((share.piece + 1) * group.pieces.rows, share.end);
    double* const matrix = group.matrix(share.piece);
    share.sums = group.matrices.zeros(job_.round == 0 ? matrix : share.own);
  }

  // Rows that will be walked over soon are fetched while a block is summed: blocks come as often as there are as many rows.
  Ahead ahead(std::int64_t row) {
    const std::int64_t far = row + 1 + (job_.groups.count() + 1) * Blocks::kRows;
    const std::int64_t from = std::max(fetched_, row + 1);
    const std::int64_t to = std::min({from + Blocks::kRows * 3 / 2, far, job_.source.n()});
    if (!job_.all || from >= to) return {};
    fetched_ = to;
    return job_.source.ahead(from, to - from);
  }
};

}  // namespace gdfast
