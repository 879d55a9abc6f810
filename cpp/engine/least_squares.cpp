#include "least_squares.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "counted_scratch.hpp"
#include "dispatch.hpp"
#include "pass.hpp"
#include "sources/widened.hpp"

namespace gdfast {
namespace {

// w, then zeros: the kernels load whole registers of it.
template <class T, class From>
const T* padded_weights(const From* w, std::int64_t d, Scratch& scratch) {
  T* copy = scratch.take<T>(padded(d));
  std::copy_n(w, d, copy);
  std::fill(copy + d, copy + padded(d), T(0));
  return copy;
}

template <class G>
void write_gradient(const SegmentSums& sums, std::int64_t d, double scale, G* grad) {
  for (std::int64_t j = 0; j < d; ++j) grad[j] = static_cast<G>(scale * sums.grad()[j]);
}

bool any_nan(const float* w, std::int64_t d) {
  return w != nullptr && std::any_of(w, w + d, [](float v) { return std::isnan(v); });
}

// Makes the merged sums of float32 anew, with every number widened first. Where w or b is NaN nothing else can come of
// it, and the sums stay. False if `stop` gave up.
//
// It takes several times as long as the kernels of float32 do, so it is for sums that aren't finite, or of squares that
// vanish: that costs others nothing, and a descent that diverges ends with the first of them.
bool sum_widened(const Pass<float>& narrow, Operation operation) {
  const std::int64_t d = narrow.source.d();
  if (std::isnan(narrow.b) || any_nan(narrow.w, d)) return true;
  const WidenedSource source(narrow.source);
  CountedScratch scratch(Scratch::bytes<double>(padded(d)), narrow.counters);
  Pass<double> pass{source, narrow.segments, choose_walk<double>(source.layout(), operation)};
  if (narrow.w != nullptr) pass.w = padded_weights<double>(narrow.w, d, *scratch);
  pass.b = static_cast<double>(narrow.b);
  pass.sums = narrow.sums;
  pass.stop = narrow.stop;
  pass.counters = narrow.counters;
  pass.sums->clear();
  if (!run(pass)) return false;
  pass.sums->merge();
  return true;
}

// Runs the pass and merges its sums. False if `stop` gave up.
template <class T>
bool sum_up(const Pass<T>& pass, Operation operation) {
  if (!run(pass)) return false;
  pass.sums->merge();
  if constexpr (sizeof(T) == sizeof(float)) {
    const bool hold =
        operation != Operation::fused || squares_hold<T>(pass.sums->loss(), pass.segments.n, pass.source.d());
    return (hold && pass.sums->finite()) || sum_widened(pass, operation);
  }
  return true;
}

// A vector is a matrix of one column: the same segments, with a kernel that sums its elements.
template <class T>
double sum_elements(const Samples& samples, RunKernel<T> kernel, const Stop* stop = nullptr) {
  const MatrixSource<T> source(samples);
  const Segments segments = cut(source.n(), 1, sizeof(T));
  BorrowedScratch scratch;
  scratch->reserve(SegmentSums::bytes(segments.count, 0));
  SegmentSums sums(segments.count, 0, *scratch);
  Pass<T> pass{source, segments, {"", Order::rows, kernel}};
  pass.sums = &sums;
  pass.stop = stop;
  run(pass);
  sums.merge();
  return sums.loss();
}

}  // namespace

template <class T>
LeastSquares<T>::LeastSquares(const Source<T>& source, Reduction reduction)
    : source_(&source),
      reduction_(reduction),
      segments_(cut(source.n(), source.d(), sizeof(T))),
      walk_(choose_walk<T>(source.layout(), Operation::fused)) {}

template <class T>
template <class G>
bool LeastSquares<T>::evaluate(const T* w, T b, G* grad, Loss& loss, const Stop* stop, Counters* counters,
                               bool* negative) const {
  const std::int64_t d = source_->d();
  CountedScratch scratch(SegmentSums::bytes(segments_.count, d) + Scratch::bytes<T>(padded(d)), counters);
  SegmentSums sums(segments_.count, d, *scratch);
  std::atomic<bool> below_0{false};
  Pass<T> pass{*source_, segments_, walk_};
  pass.w = padded_weights<T>(w, d, *scratch);
  pass.b = b;
  pass.sums = &sums;
  pass.stop = stop;
  pass.counters = counters;
  if (negative != nullptr && source_->weighted()) pass.negative = &below_0;
  const bool done = sum_up(pass, Operation::fused);
  if (negative != nullptr) *negative = below_0.load(std::memory_order_relaxed);
  if (!done) return false;
  const double weight = source_->weighted() ? sums.weight() : static_cast<double>(source_->n());
  const double scale = reduction_ == Reduction::mean ? 1.0 / weight : 1.0;
  loss.weight = weight;
  loss.loss = reduction_ == Reduction::mean ? sums.loss() / weight : sums.loss();
  loss.grad_b = 2 * scale * sums.grad_b();
  write_gradient(sums, d, 2 * scale, grad);
  return true;
}

template <class T>
void forward(const Source<T>& source, const T* w, T b, T* out, const Stop* stop) {
  const std::int64_t d = source.d();
  BorrowedScratch scratch;
  scratch->reserve(Scratch::bytes<T>(padded(d)));
  Pass<T> pass{source, cut(source.n(), d, sizeof(T)), choose_walk<T>(source.layout(), Operation::forward)};
  pass.w = padded_weights<T>(w, d, *scratch);
  pass.b = b;
  pass.out = out;
  pass.stop = stop;
  run(pass);
}

template <class T>
void gradient(const Source<T>& source, Reduction reduction, T* grad, const Stop* stop) {
  const std::int64_t d = source.d();
  const Segments segments = cut(source.n(), d, sizeof(T));
  BorrowedScratch scratch;
  scratch->reserve(SegmentSums::bytes(segments.count, d));
  SegmentSums sums(segments.count, d, *scratch);
  Pass<T> pass{source, segments, choose_walk<T>(source.layout(), Operation::gradient)};
  pass.sums = &sums;
  pass.stop = stop;
  if (!sum_up(pass, Operation::gradient)) return;
  write_gradient(sums, d, reduction == Reduction::mean ? 2.0 / static_cast<double>(source.n()) : 2.0, grad);
}

template <class T>
double squared_error(const VectorView& y, const VectorView& y_pred, std::int64_t n, Reduction reduction,
                     const Stop* stop) {
  const MatrixView none{nullptr, n, 1, 0, 0, kDType<T>};
  const auto squares = [](const Run<T>& run, Sums& lanes) { kernels<T>().squares(run.y, run.y_pred, run.n, lanes); };
  const double loss = sum_elements<T>({none, y, {}, y_pred}, squares, stop);
  return reduction == Reduction::mean ? loss / static_cast<double>(n) : loss;
}

template <class T>
double sum(const T* x, std::int64_t n) {
  const MatrixView all{reinterpret_cast<const char*>(x), n, 1, sizeof(T), sizeof(T), kDType<T>};
  return sum_elements<T>({all, {}, {}, {}},
                         [](const Run<T>& run, Sums& lanes) { lanes.loss[0] += kernels<T>().sum(run.x, run.n); });
}

template class LeastSquares<float>;
template class LeastSquares<double>;
template bool LeastSquares<float>::evaluate(const float*, float, float*, Loss&, const Stop*, Counters*, bool*) const;
template bool LeastSquares<float>::evaluate(const float*, float, double*, Loss&, const Stop*, Counters*, bool*) const;
template bool LeastSquares<double>::evaluate(const double*, double, double*, Loss&, const Stop*, Counters*,
                                             bool*) const;
template void forward(const Source<float>&, const float*, float, float*, const Stop*);
template void forward(const Source<double>&, const double*, double, double*, const Stop*);
template void gradient(const Source<float>&, Reduction, float*, const Stop*);
template void gradient(const Source<double>&, Reduction, double*, const Stop*);
template double squared_error<float>(const VectorView&, const VectorView&, std::int64_t, Reduction, const Stop*);
template double squared_error<double>(const VectorView&, const VectorView&, std::int64_t, Reduction, const Stop*);
template double sum(const float*, std::int64_t);
template double sum(const double*, std::int64_t);

}  // namespace gdfast
