#include "pass.hpp"

#include <algorithm>

#include "counted_scratch.hpp"
#include "dispatch.hpp"
#include "thread_pool.hpp"

namespace gdfast {
namespace {

// Bytes of x in a run: between two of them a pass looks whether it is to stop, and the data may come from a slow disk.
constexpr std::int64_t kRunBytes = 16 << 20;

// Of segments that are walked one after the other in long pieces: rows of a task, and bytes of x, as above.
constexpr std::int64_t kLongRows = 32 << 10, kLongBytes = 512 << 20;

template <class T>
class Job {
 public:
  Job(const Pass<T>& pass, int threads)
      : pass_(pass),
        stop_(pass.stop),
        rows_(rows_a_run()),
        fours_(abreast(threads) ? pass.segments.count / kAbreast : 0),
        together_(consecutive(threads)) {}

  int tasks() const {
    if (together_ > 0) return (pass_.segments.count + together_ - 1) / together_;
    return pass_.segments.count - fours_ * (kAbreast - 1);
  }
  bool stopped() const { return stop_.stopped(); }

  void task(int k) {
    if (together_ > 0) {
      segments_together(k * together_, std::min((k + 1) * together_, pass_.segments.count));
    } else if (k < fours_) {
      segments<kAbreast>(k * kAbreast);
    } else {
      segments<1>(k + fours_ * (kAbreast - 1));
    }
  }

 private:
  const Pass<T>& pass_;
  StopFlag stop_;
  const std::int64_t rows_;  // a run
  const int fours_;          // tasks of several segments
  const int together_;       // segments of a task, where they are one run

  std::int64_t rows_a_run() const {
    const std::int64_t row_bytes = std::max<std::int64_t>(pass_.source.row_bytes(), 1);
    const std::int64_t rows = std::max<std::int64_t>(kRunBytes / row_bytes / kRunRows, 1) * kRunRows;
    return std::min({pass_.source.rows_a_piece(pass_.walk.order), rows, pass_.segments.rows});
  }

  // Not where rows are made in the cache, nor where threads would go without work.
  bool abreast(int threads) const {
    return pass_.walk.abreast != nullptr && pass_.segments.count >= kAbreast * threads &&
           pass_.source.layout().ready(pass_.walk.order);
  }

  // The same of segments as one run, whose vectors must lie ready too: so many, or 0.
  int consecutive(int threads) const {
    if (pass_.walk.consecutive == nullptr || !pass_.source.ready(pass_.walk.order)) return 0;
    const std::int64_t rows = std::min(kLongRows, kLongBytes / std::max<std::int64_t>(pass_.source.row_bytes(), 1));
    const std::int64_t count = pass_.segments.count, most = std::max<std::int64_t>(rows / pass_.segments.rows, 1);
    const std::int64_t tasks = std::max<std::int64_t>((count + most - 1) / most, threads == 1 ? 1 : 4 * threads);
    return static_cast<int>((count + tasks - 1) / tasks);
  }

  // Segments from first to end, as one run of one block.
  void segments_together(int first, int end) {
    if (stop_()) return;
    const int count = end - first;
    const std::int64_t start = pass_.segments.start(first), n = pass_.segments.end(end - 1) - start;
    const std::int64_t block_rows = padded(n), room_bytes = column_room<T>(block_rows, 0);
    CountedScratch scratch(Scratch::bytes<Sums>(count) + Scratch::bytes<std::byte>(room_bytes), pass_.counters);
    Sums* const lanes = scratch->template take<Sums>(count);
    for (int k = 0; k < count; ++k) {
      lanes[k] = {};
      lanes[k].grad = pass_.sums->grad(first + k);
    }
    Run<T> run = common(nullptr, scratch->template take<std::byte>(room_bytes));
    run.block_rows = block_rows;
    set(run, pass_.source.piece(pass_.walk.order, start, n, {}), start, n);
    pass_.walk.consecutive(run, pass_.segments.rows, lanes);
    look_for_negative(run);
    for (int k = 0; k < count; ++k) pass_.sums->set_scalars(first + k, lanes[k]);
    if (pass_.counters != nullptr) {
      // x twice: it lies ready, so its numbers are T.
      const std::int64_t x_bytes = pass_.source.d() * static_cast<std::int64_t>(sizeof(T));
      pass_.counters->add_read(n * (pass_.source.row_bytes() + x_bytes));
    }
  }

  // So many segments, from the first on.
  template <int Count>
  void segments(int first) {
    const Source<T>& source = pass_.source;
    const std::int64_t panel = padded(source.d());
    const std::size_t room_bytes = source.room_bytes(pass_.walk.order, rows_);
    const bool columns = pass_.walk.order != Order::rows;
    const std::int64_t kept = columns ? column_room<T>(pass_.walk.block_rows, source.d()) : 0;
    CountedScratch scratch(Count * (Scratch::bytes<T>(panel) + Scratch::bytes<std::byte>(kept) + room_bytes),
                           pass_.counters);
    Run<T> runs[Count];
    Room rooms[Count];
    Sums lanes[Count] = {};
    for (int k = 0; k < Count; ++k) {
      T* const sums = scratch->template take<T>(panel);
      runs[k] = common(sums, scratch->template take<std::byte>(kept));
      rooms[k] = {scratch->template take<std::byte>(static_cast<std::int64_t>(room_bytes)), rows_};
      if (pass_.sums != nullptr) lanes[k].grad = pass_.sums->grad(first + k);
    }
    for (std::int64_t i = 0; i < pass_.segments.rows; i += rows_) {
      if (stop_()) return;
      int left = 0;  // segments that have rows left: only the last of all may be shorter
      for (; left < Count && take(first + left, i, rooms[left], runs[left]); ++left) {
      }
      walk(runs, left, lanes);
    }
    for (int k = 0; k < Count; ++k) {
      if (pass_.counters != nullptr) {
        pass_.counters->add_read((pass_.segments.end(first + k) - pass_.segments.start(first + k)) *
                                 source.row_bytes());
      }
      if (pass_.sums != nullptr) pass_.sums->set_scalars(first + k, lanes[k]);
    }
  }

  template <int Count>
  void walk(const Run<T> (&runs)[Count], int left, Sums (&lanes)[Count]) const {
    if constexpr (Count == kAbreast) {
      if (left == kAbreast) pass_.walk.abreast(runs, lanes);
    }
    if (Count == 1 || left < Count) {
      for (int k = 0; k < left; ++k) pass_.walk.kernel(runs[k], lanes[k]);
    }
    // After the kernel, which leaves them in the cache: memory is read once.
    for (int k = 0; k < left; ++k) look_for_negative(runs[k]);
  }

  void look_for_negative(const Run<T>& run) const {
    if (pass_.negative != nullptr && kernels<T>().any_negative(run.s, run.n))
      pass_.negative->store(true, std::memory_order_relaxed);
  }

  // The segment's next rows, from row i on. False if it has none.
  bool take(int segment, std::int64_t i, const Room& room, Run<T>& run) const {
    const std::int64_t start = pass_.segments.start(segment) + i;
    const std::int64_t n = std::min(rows_, pass_.segments.end(segment) - start);
    if (n <= 0) return false;
    set(run, pass_.source.piece(pass_.walk.order, start, n, room), start, n);
    return true;
  }

  void set(Run<T>& run, const Piece<T>& piece, std::int64_t start, std::int64_t n) const {
    run.n = n;
    run.x = piece.x;
    run.row_stride = piece.row_stride;
    run.column_stride = piece.column_stride;
    run.columns = piece.columns;
    run.y = piece.y;
    run.s = piece.s;
    run.y_pred = piece.y_pred;
    run.out = pass_.out == nullptr ? nullptr : pass_.out + start;
  }

  // What is the same for all pieces.
  Run<T> common(T* panel, std::byte* room) const {
    Run<T> run{};
    run.d = pass_.source.d();
    run.w = pass_.w;
    run.b = pass_.b;
    run.panel = panel;
    run.room = room;
    run.block_rows = pass_.walk.block_rows;
    return run;
  }
};

}  // namespace

template <class T>
bool run(const Pass<T>& pass) {
  const int threads = threads_for(pass.segments.n, pass.source.d(), sizeof(T));
  Job<T> job(pass, threads);
  run_tasks(job.tasks(), threads, [](void* self, int k) { static_cast<Job<T>*>(self)->task(k); }, &job);
  return !job.stopped();
}

template bool run(const Pass<float>&);
template bool run(const Pass<double>&);

}  // namespace gdfast
