// Loss and gradient of a least-squares problem, over segments, on the pool.
#pragma once

#include <functional>

#include "blocks.hpp"
#include "counters.hpp"
#include "matrix_view.hpp"

namespace gdfast {

enum class Reduction { mean, sum };

struct Loss {
  double loss;
  double grad_b;
  double weight;  // Σ s, where it was summed
};

// Returns true to give up; asked on the calling thread, between segments. May be empty.
using Stop = std::function<bool()>;

// The rows of x, y and s that a problem takes, in this order, as numbers from 0; x.n says how many. What follows them in
// the array is fetched from memory meanwhile.
struct Selection {
  const std::int64_t* rows = nullptr;  // null: rows 0 to n − 1
  std::int64_t known = 0;              // entries of `rows` that there are
};

template <class T>
class LeastSquares {
 public:
  // s.data may be null. y and s have any floating dtype and stride: they are converted a piece at a time.
  LeastSquares(const MatrixView& x, const VectorView& y, const VectorView& s, Reduction reduction,
               const Selection& selection = {});

  // Loss, and the gradient in w into grad (d elements of T or double), in one read of x. False if `stop` gave up.
  // `negative`, if wanted, tells whether a weight is below 0: nothing in the sums does.
  template <class G>
  bool evaluate(const T* w, T b, G* grad, Loss& loss, const Stop* stop = nullptr, Counters* counters = nullptr,
                bool* negative = nullptr) const;

 private:
  MatrixView x_;
  VectorView y_, s_;
  Reduction reduction_;
  Selection selection_;
  Segments segments_;
  Walk<T> walk_;
};

// out[i] = x_i · w + b
template <class T>
void forward(const MatrixView& x, const T* w, T b, T* out);

// grad = 2 Xᵀ(y_pred − y) / n, or without the n
template <class T>
void gradient(const MatrixView& x, const VectorView& y, const VectorView& y_pred, Reduction reduction, T* grad);

// Σ (y_pred − y)² / n, or without the n
template <class T>
double squared_error(const VectorView& y, const VectorView& y_pred, std::int64_t n, Reduction reduction);

// The sum of n contiguous elements: reads them as fast as they can be read.
template <class T>
double sum(const T* x, std::int64_t n);

}  // namespace gdfast
