#include "pass.hpp"

#include <algorithm>

#include "counted_scratch.hpp"
#include "dispatch.hpp"
#include "machine.hpp"
#include "thread_pool.hpp"

namespace gdfast {
namespace {

template <class T>
struct Job {
  const Pass<T>& pass;
  StopFlag stop;

  void segment(int k) {
    if (stop()) return;
    const Source<T>& source = pass.source;
    const Order order = pass.walk.order;
    const std::int64_t start = pass.segments.start(k), end = pass.segments.end(k);
    const std::int64_t step = std::min(source.rows_a_piece(order), end - start);
    const std::size_t panel = Scratch::bytes<T>(padded(source.d())), room_bytes = source.room_bytes(order, step);
    CountedScratch scratch(panel + room_bytes, pass.counters);
    Run<T> run = common(scratch->template take<T>(padded(source.d())));
    const Room room{scratch->template take<std::byte>(static_cast<std::int64_t>(room_bytes)), step};
    Sums lanes{};
    lanes.grad = pass.sums != nullptr ? pass.sums->grad(k) : nullptr;
    for (std::int64_t i = start; i < end; i += step) {
      run.n = std::min(step, end - i);
      run.out = pass.out == nullptr ? nullptr : pass.out + i;
      take(source.piece(order, i, run.n, room), run);
      pass.walk.kernel(run, lanes);
      // After the kernel, which leaves them in the cache: memory is read once.
      if (pass.negative != nullptr && kernels<T>().any_negative(run.s, run.n))
        pass.negative->store(true, std::memory_order_relaxed);
    }
    if (pass.counters != nullptr) pass.counters->add_read((end - start) * source.row_bytes());
    if (pass.sums != nullptr) pass.sums->set_scalars(k, lanes);
  }

  // What is the same for all pieces.
  Run<T> common(T* panel) const {
    Run<T> run{};
    run.d = pass.source.d();
    run.w = pass.w;
    run.b = pass.b;
    run.panel = panel;
    run.block_rows = pass.walk.block_rows;
    run.fetch_below = run.block_rows * run.d * static_cast<std::ptrdiff_t>(sizeof(T)) <= caches().l2;
    return run;
  }

  static void take(const Piece<T>& piece, Run<T>& run) {
    run.x = piece.x;
    run.row_stride = piece.row_stride;
    run.column_stride = piece.column_stride;
    run.y = piece.y;
    run.s = piece.s;
    run.y_pred = piece.y_pred;
  }
};

}  // namespace

template <class T>
bool run(const Pass<T>& pass) {
  Job<T> job{pass, StopFlag(pass.stop)};
  const int threads = threads_for(pass.segments.n, pass.source.d(), sizeof(T));
  run_tasks(pass.segments.count, threads, [](void* self, int k) { static_cast<Job<T>*>(self)->segment(k); }, &job);
  return !job.stop.stopped();
}

template bool run(const Pass<float>&);
template bool run(const Pass<double>&);

}  // namespace gdfast
