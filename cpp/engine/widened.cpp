#include "widened.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pack.hpp"
#include "scratch.hpp"
#include "stop_flag.hpp"
#include "thread_pool.hpp"

namespace gdfast {
namespace {

struct Job {
  const Widened& problem;
  Segments segments;
  Walk<double> walk;
  const double* w;
  double b;
  SegmentSums& sums;
  StopFlag stop;
  Counters* counters;

  std::int64_t n() const { return walk.run_rows; }
  std::int64_t d() const { return problem.x.d; }

  void segment(int k) {
    if (stop()) return;
    const std::size_t bytes =
        Scratch::bytes<double>(n() * d()) + 3 * Scratch::bytes<double>(n()) + Scratch::bytes<float>(n());
    BorrowedScratch scratch;
    scratch->reserve(bytes);
    if (counters != nullptr) counters->take(static_cast<std::int64_t>(bytes));
    auto* const x = scratch->take<double>(n() * d());
    auto* const y = scratch->take<double>(n());
    auto* const s = scratch->take<double>(n());
    auto* const y_pred = scratch->take<double>(n());
    auto* const room = scratch->take<float>(n());
    Sums lanes{};
    lanes.grad = sums.grad(k);
    for (std::int64_t i = segments.start(k); i < segments.end(k); i += n()) {
      Run<double> run{};
      run.n = std::min(n(), segments.end(k) - i);
      run.d = d();
      run.x = columns(i, run.n, x);
      run.row_stride = 1;
      run.column_stride = n();
      run.y = vector(problem.y, i, run.n, room, y);
      run.s = vector(problem.s, i, run.n, room, s);
      run.y_pred = vector(problem.y_pred, i, run.n, room, y_pred);
      run.w = w;
      run.b = b;
      run.block_rows = walk.block_rows;
      walk.kernel(run, lanes);
    }
    sums.set_scalars(k, lanes);
    if (counters == nullptr) return;
    counters->add_read((segments.end(k) - segments.start(k)) * row_bytes());
    counters->give(static_cast<std::int64_t>(bytes));
  }

  std::int64_t row_bytes() const {
    std::int64_t bytes = d() * size_of(DType::f32);
    for (const VectorView* v : {&problem.y, &problem.s, &problem.y_pred}) {
      bytes += v->data != nullptr ? size_of(v->dtype) : 0;
    }
    return bytes;
  }

  const double* columns(std::int64_t i, std::int64_t count, double* out) const {
    const std::int64_t* const rows = problem.selection.rows;
    if (rows == nullptr) {
      pack_as<float>(problem.x, i, count, out, 1, n());
    } else {
      for (std::int64_t k = 0; k < count; ++k) pack_as<float>(problem.x, rows[i + k], 1, out + k, 1, n());
    }
    return out;
  }

  // The dtype of x decides what a number is: those of other vectors are rounded to it first, as the kernels have them.
  const double* vector(const VectorView& v, std::int64_t i, std::int64_t count, float* room, double* out) const {
    if (v.data == nullptr) return nullptr;
    const Selection& selection = problem.selection;
    if (selection.rows == nullptr) {
      pack_vector(v, i, count, room);
    } else {
      gather_vector(v, Picked{selection.rows + i, count, selection.known - i}, room);
    }
    std::copy_n(room, count, out);
    return out;
  }
};

}  // namespace

bool sum_widened(const Widened& problem, const float* w, float b, SegmentSums& sums, const Stop* stop,
                 Counters* counters) {
  const std::int64_t d = problem.x.d;
  const bool given = problem.y_pred.data != nullptr;
  std::vector<double> wide(static_cast<std::size_t>(d + kLanes<double>));  // the kernels load whole registers of it
  if (!given) std::copy_n(w, d, wide.begin());
  const bool is_nan = std::isnan(b) || std::any_of(wide.begin(), wide.end(), [](double v) { return std::isnan(v); });
  if (is_nan) return true;
  sums.clear();
  const Segments segments = cut(problem.x.n, d, sizeof(float));
  const Walk<double> walk = choose_widened_walk(d, given ? Operation::gradient : Operation::fused);
  Job job{problem, segments, walk, wide.data(), static_cast<double>(b), sums, StopFlag(stop), counters};
  const int threads = threads_for(problem.x.n, d, sizeof(float));
  run_tasks(job.segments.count, threads, [](void* self, int k) { static_cast<Job*>(self)->segment(k); }, &job);
  if (job.stop.stopped()) return false;
  sums.merge();
  return true;
}

}  // namespace gdfast
