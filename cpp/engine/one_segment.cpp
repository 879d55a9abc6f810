#include "one_segment.hpp"

#include <algorithm>

#include "dispatch.hpp"
#include "forms.hpp"
#include "segment_sums.hpp"
#include "sources/matrix.hpp"

namespace gdfast {
namespace {

// Of a few kilobytes of stack.
constexpr std::int64_t kMostColumns = 256;
// No segment has less: `cut` gives a single one.
constexpr std::int64_t kOneSegmentBytes = 256 << 10;

template <class T>
bool is_small(const MatrixView& x) {
  return x.dtype == kDType<T> && x.d <= kMostColumns &&
         x.n * x.d < kOneSegmentBytes / static_cast<std::int64_t>(sizeof(T));
}

// What the kernels ask for beside the data: whole registers, one more than full ones.
template <class T>
struct SegmentRoom {
  static constexpr std::int64_t kRoom = kMostColumns + kLanes<T>;
  alignas(64) T w[kRoom];
  alignas(64) T panel[kRoom];
  alignas(64) std::byte rows[column_room<T>(kMostBlockRows, 0)];
  alignas(64) double grad[kMostColumns];
};

// w as the kernel for so many columns reads it: an element at a time, or in whole registers. Then there are zeros behind
// it, unless it ends with a register.
template <class T>
const T* ready_weights(const T* w, std::int64_t d, T* copy) {
  const std::int64_t whole = d / kLanes<T> * kLanes<T>;
  if (d < kNarrow || whole == d) return w;
  std::fill_n(copy + whole, kLanes<T>, T(0));
  std::copy_n(w, d, copy);
  return copy;
}

}  // namespace

template <class T>
bool evaluate_one_segment(const MatrixView& x, const VectorView& y, const VectorView& s, Reduction reduction,
                          const T* w, T b, T* grad, Loss& loss, bool& negative) {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const bool weighted = s.data != nullptr;
  Sums sums{};  // early: the kernel's first loads of it would wait for stores on their way to the cache
  if (!is_small<T>(x) || !lies_ready<T>(y) || (weighted && !lies_ready<T>(s))) return false;
  const Layout layout = layout_of(x, kSize);
  const Walk<T> walk = choose_walk<T>(layout, Operation::fused);
  if (!layout.ready(walk.order) || walk.block_rows % kSumRows != 0) return false;

  SegmentRoom<T> room;
  Run<T> run{};
  run.x = reinterpret_cast<const T*>(x.data);
  run.row_stride = x.row_stride / kSize;
  run.column_stride = x.column_stride / kSize;
  run.n = x.n;
  run.d = x.d;
  run.y = reinterpret_cast<const T*>(y.data);
  run.s = reinterpret_cast<const T*>(s.data);
  run.w = ready_weights(w, x.d, room.w);
  run.b = b;
  run.panel = room.panel;
  run.block_rows = walk.block_rows;
  run.room = room.rows;
  sums.grad = room.grad;
  std::fill_n(room.grad, x.d, 0.0);
  walk.kernel(run, sums);

  const double squares = add_lanes(sums.loss), residuals = add_lanes(sums.grad_b);
  const double weights = weighted ? add_lanes(sums.weight) : 0;
  if constexpr (kDType<T> == DType::f32) {
    const double scalars[] = {squares, residuals, weights};
    if (!all_finite(scalars, 3) || !all_finite(room.grad, x.d) || !squares_hold<T>(squares, x.n, x.d)) return false;
  }
  negative = weighted && kernels<T>().any_negative(run.s, x.n);
  loss.weight = weighted ? weights : static_cast<double>(x.n);
  const double scale = reduction == Reduction::mean ? 1.0 / loss.weight : 1.0;
  loss.loss = reduction == Reduction::mean ? squares / loss.weight : squares;
  loss.grad_b = 2 * scale * residuals;
  for (std::int64_t j = 0; j < x.d; ++j) grad[j] = static_cast<T>(2 * scale * room.grad[j]);
  return true;
}

template bool evaluate_one_segment(const MatrixView&, const VectorView&, const VectorView&, Reduction, const float*,
                                   float, float*, Loss&, bool&);
template bool evaluate_one_segment(const MatrixView&, const VectorView&, const VectorView&, Reduction, const double*,
                                   double, double*, Loss&, bool&);

}  // namespace gdfast
