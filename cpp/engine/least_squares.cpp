#include "least_squares.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "dispatch.hpp"
#include "machine.hpp"
#include "pack.hpp"
#include "scratch.hpp"
#include "segment_sums.hpp"
#include "stop_flag.hpp"
#include "thread_pool.hpp"
#include "widened.hpp"

namespace gdfast {
namespace {

std::int64_t padded(std::int64_t d) { return (d / kLanes<float> + 1) * kLanes<float>; }

// One operation over all segments of a matrix. Vectors that are absent have null data.
template <class T>
struct Job {
  MatrixView x;
  VectorView y, s, y_pred;
  Segments segments;
  Walk<T> walk;
  const T* w;
  T b;
  T* out;
  SegmentSums* sums;
  Selection selection = {};
  StopFlag stop{nullptr};
  Counters* counters = nullptr;
  std::atomic<bool>* negative = nullptr;  // where a weight below 0 is told, if wanted

  void run() {
    const int threads = threads_for(x.n, x.d, sizeof(T));
    run_tasks(segments.count, threads, [](void* self, int k) { static_cast<Job*>(self)->segment(k); }, this);
  }

  void segment(int k) {
    if (stop()) return;
    const bool packs = walk.access != Access::direct || needs_packing(y) || needs_packing(s) || needs_packing(y_pred);
    const std::int64_t end = segments.end(k);
    const std::int64_t start = segments.start(k);
    const std::int64_t step = packs ? std::min(walk.run_rows, end - start) : end - start;
    Buffers buffers(*this, step);
    Sums lanes{};
    lanes.grad = sums != nullptr ? sums->grad(k) : nullptr;
    for (std::int64_t i = start; i < end; i += step) {
      const Run<T> run = buffers.run(*this, i, std::min(step, end - i));
      walk.kernel(run, lanes);
      // After the kernel, which leaves them in the cache: memory is read once.
      if (negative != nullptr && kernels<T>().any_negative(run.s, run.n))
        negative->store(true, std::memory_order_relaxed);
    }
    if (counters != nullptr) counters->add_read((end - start) * row_bytes());
    if (sums != nullptr) sums->set_scalars(k, lanes);
  }

  // Of the user's data.
  std::int64_t row_bytes() const {
    std::int64_t bytes = x.data != nullptr ? x.d * static_cast<std::int64_t>(sizeof(T)) : 0;
    for (const VectorView* v : {&y, &s, &y_pred}) bytes += v->data != nullptr ? size_of(v->dtype) : 0;
    return bytes;
  }

  bool needs_packing(const VectorView& v) const {
    if (v.data != nullptr && selection.rows != nullptr) return true;
    return v.data != nullptr && (v.dtype != kDType<T> || v.stride != static_cast<std::ptrdiff_t>(sizeof(T)) ||
                                 reinterpret_cast<std::uintptr_t>(v.data) % alignof(T) != 0);
  }

  Picked picked(std::int64_t i, std::int64_t rows) const { return {selection.rows + i, rows, selection.known - i}; }

  // Room for the pieces of a run that must be copied, and the kernel's panel.
  struct Buffers {
    BorrowedScratch scratch;
    Counters* const counters;
    std::int64_t size;
    T *panel, *x = nullptr, *y = nullptr, *s = nullptr, *y_pred = nullptr;

    Buffers(const Job& job, std::int64_t rows) : counters(job.counters) {
      const bool packs_x = job.walk.access != Access::direct;
      const std::size_t vectors =
          std::size_t{job.needs_packing(job.y)} + job.needs_packing(job.s) + job.needs_packing(job.y_pred);
      const std::size_t bytes = Scratch::bytes<T>(padded(job.x.d)) + vectors * Scratch::bytes<T>(rows) +
                                (packs_x ? Scratch::bytes<T>(rows * job.x.d) : 0);
      scratch->reserve(bytes);
      size = static_cast<std::int64_t>(bytes);
      if (counters != nullptr) counters->take(size);
      panel = scratch->take<T>(padded(job.x.d));
      if (packs_x) x = scratch->take<T>(rows * job.x.d);
      if (job.needs_packing(job.y)) y = scratch->take<T>(rows);
      if (job.needs_packing(job.s)) s = scratch->take<T>(rows);
      if (job.needs_packing(job.y_pred)) y_pred = scratch->take<T>(rows);
    }
    ~Buffers() {
      if (counters != nullptr) counters->give(size);
    }
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;

    Run<T> run(const Job& job, std::int64_t i, std::int64_t rows) {
      constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
      Run<T> r{};
      r.n = rows;
      r.d = job.x.d;
      switch (job.walk.access) {
        case Access::direct:
          r.x = reinterpret_cast<const T*>(job.x.data + i * job.x.row_stride);
          r.row_stride = job.x.row_stride / kSize;
          r.column_stride = job.x.column_stride / kSize;
          break;
        case Access::pack_rows:
          pack_rows(job.x, i, rows, x);
          r.x = x;
          r.row_stride = job.x.d;
          r.column_stride = 1;
          break;
        case Access::pack_columns:
          pack_columns(job.x, i, rows, x);
          r.x = x;
          r.row_stride = 1;
          r.column_stride = rows;
          break;
        case Access::gather_rows:
          gather_rows(job.x, job.picked(i, rows), x);
          r.x = x;
          r.row_stride = job.x.d;
          r.column_stride = 1;
          break;
      }
      r.y = piece(job, job.y, i, rows, y);
      r.s = piece(job, job.s, i, rows, s);
      r.y_pred = piece(job, job.y_pred, i, rows, y_pred);
      r.out = job.out == nullptr ? nullptr : job.out + i;
      r.w = job.w;
      r.b = job.b;
      r.panel = panel;
      r.block_rows = job.walk.block_rows;
      r.fetch_below = job.walk.block_rows * job.x.d * kSize <= caches().l2;
      return r;
    }

    static const T* piece(const Job& job, const VectorView& v, std::int64_t i, std::int64_t rows, T* room) {
      if (v.data == nullptr) return nullptr;
      if (room == nullptr) return reinterpret_cast<const T*>(v.data) + i;
      if (job.selection.rows != nullptr) {
        gather_vector(v, job.picked(i, rows), room);
      } else {
        pack_vector(v, i, rows, room);
      }
      return room;
    }
  };
};

// w, then zeros: the kernels load whole registers of it.
template <class T>
const T* padded_weights(const T* w, std::int64_t d, Scratch& scratch) {
  T* copy = scratch.take<T>(padded(d));
  std::copy_n(w, d, copy);
  std::fill(copy + d, copy + padded(d), T(0));
  return copy;
}

template <class G>
void write_gradient(const SegmentSums& sums, std::int64_t d, double scale, G* grad) {
  for (std::int64_t j = 0; j < d; ++j) grad[j] = static_cast<G>(scale * sums.grad()[j]);
}

}  // namespace

template <class T>
LeastSquares<T>::LeastSquares(const MatrixView& x, const VectorView& y, const VectorView& s, Reduction reduction,
                              const Selection& selection)
    : x_(x),
      y_(y),
      s_(s),
      reduction_(reduction),
      selection_(selection),
      segments_(cut(x.n, x.d, sizeof(T))),
      walk_(selection.rows != nullptr ? choose_gathering_walk<T>(x, Operation::fused)
                                      : choose_walk<T>(x, Operation::fused)) {}

template <class T>
template <class G>
bool LeastSquares<T>::evaluate(const T* w, T b, G* grad, Loss& loss, const Stop* stop, Counters* counters,
                               bool* negative) const {
  BorrowedScratch scratch;
  const std::size_t bytes = SegmentSums::bytes(segments_.count, x_.d) + Scratch::bytes<T>(padded(x_.d));
  scratch->reserve(bytes);
  if (counters != nullptr) counters->take(static_cast<std::int64_t>(bytes));
  SegmentSums sums(segments_.count, x_.d, *scratch);
  const T* const weights = padded_weights(w, x_.d, *scratch);
  std::atomic<bool> below_0{false};
  Job<T> job{x_, y_, s_, {}, segments_, walk_, weights, b, nullptr, &sums, selection_, StopFlag(stop), counters};
  if (negative != nullptr && s_.data != nullptr) job.negative = &below_0;
  job.run();
  if (negative != nullptr) *negative = below_0.load(std::memory_order_relaxed);
  if (counters != nullptr) counters->give(static_cast<std::int64_t>(bytes));
  if (job.stop.stopped()) return false;
  sums.merge();
  if constexpr (kDType<T> == DType::f32) {
    const Widened widened{x_, y_, s_, {}, selection_};
    if (!sums.finite() && !sum_widened(widened, w, b, sums, stop, counters)) return false;
  }
  const double weight = s_.data != nullptr ? sums.weight() : static_cast<double>(x_.n);
  const double scale = reduction_ == Reduction::mean ? 1.0 / weight : 1.0;
  loss.weight = weight;
  loss.loss = reduction_ == Reduction::mean ? sums.loss() / weight : sums.loss();
  loss.grad_b = 2 * scale * sums.grad_b();
  write_gradient(sums, x_.d, 2 * scale, grad);
  return true;
}

template <class T>
void forward(const MatrixView& x, const T* w, T b, T* out) {
  BorrowedScratch scratch;
  scratch->reserve(Scratch::bytes<T>(padded(x.d)));
  const Walk<T> walk = choose_walk<T>(x, Operation::forward);
  const T* const weights = padded_weights(w, x.d, *scratch);
  Job<T> job{x, {}, {}, {}, cut(x.n, x.d, sizeof(T)), walk, weights, b, out, nullptr};
  job.run();
}

template <class T>
void gradient(const MatrixView& x, const VectorView& y, const VectorView& y_pred, Reduction reduction, T* grad) {
  const Segments segments = cut(x.n, x.d, sizeof(T));
  BorrowedScratch scratch;
  scratch->reserve(SegmentSums::bytes(segments.count, x.d));
  SegmentSums sums(segments.count, x.d, *scratch);
  Job<T> job{x, y, {}, y_pred, segments, choose_walk<T>(x, Operation::gradient), nullptr, T(0), nullptr, &sums};
  job.run();
  sums.merge();
  if constexpr (kDType<T> == DType::f32) {
    if (!sums.finite()) sum_widened({x, y, {}, y_pred}, nullptr, 0, sums, nullptr, nullptr);
  }
  write_gradient(sums, x.d, reduction == Reduction::mean ? 2.0 / static_cast<double>(x.n) : 2.0, grad);
}

template <class T>
double squared_error(const VectorView& y, const VectorView& y_pred, std::int64_t n, Reduction reduction) {
  // A vector is a matrix of one column: the same segments, with a kernel that needs no x.
  const Segments segments = cut(n, 1, sizeof(T));
  BorrowedScratch scratch;
  scratch->reserve(SegmentSums::bytes(segments.count, 0));
  SegmentSums sums(segments.count, 0, *scratch);
  const MatrixView none{nullptr, n, 1, 0, 0, kDType<T>};
  const Walk<T> walk{[](const Run<T>& run, Sums& lanes) { kernels<T>().squares(run.y, run.y_pred, run.n, lanes); },
                     Access::direct, kRunRows, 0};
  Job<T> job{none, y, {}, y_pred, segments, walk, nullptr, T(0), nullptr, &sums};
  job.run();
  sums.merge();
  return reduction == Reduction::mean ? sums.loss() / static_cast<double>(n) : sums.loss();
}

template <class T>
double sum(const T* x, std::int64_t n) {
  const Segments segments = cut(n, 1, sizeof(T));
  BorrowedScratch scratch;
  scratch->reserve(SegmentSums::bytes(segments.count, 0));
  SegmentSums sums(segments.count, 0, *scratch);
  const MatrixView all{reinterpret_cast<const char*>(x), n, 1, sizeof(T), sizeof(T), kDType<T>};
  const Walk<T> walk{[](const Run<T>& run, Sums& lanes) { lanes.loss[0] += kernels<T>().sum(run.x, run.n); },
                     Access::direct, kRunRows, 0};
  Job<T> job{all, {}, {}, {}, segments, walk, nullptr, T(0), nullptr, &sums};
  job.run();
  sums.merge();
  return sums.loss();
}

template class LeastSquares<float>;
template class LeastSquares<double>;
template bool LeastSquares<float>::evaluate(const float*, float, float*, Loss&, const Stop*, Counters*, bool*) const;
template bool LeastSquares<float>::evaluate(const float*, float, double*, Loss&, const Stop*, Counters*, bool*) const;
template bool LeastSquares<double>::evaluate(const double*, double, double*, Loss&, const Stop*, Counters*,
                                             bool*) const;
template void forward(const MatrixView&, const float*, float, float*);
template void forward(const MatrixView&, const double*, double, double*);
template void gradient(const MatrixView&, const VectorView&, const VectorView&, Reduction, float*);
template void gradient(const MatrixView&, const VectorView&, const VectorView&, Reduction, double*);
template double squared_error<float>(const VectorView&, const VectorView&, std::int64_t, Reduction);
template double squared_error<double>(const VectorView&, const VectorView&, std::int64_t, Reduction);
template double sum(const float*, std::int64_t);
template double sum(const double*, std::int64_t);

}  // namespace gdfast
