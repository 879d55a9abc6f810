// Loss and gradient of a least-squares problem, of the rows of a source.
#pragma once

#include "blocks.hpp"
#include "counters.hpp"
#include "forms.hpp"
#include "sources/matrix.hpp"
#include "stop_flag.hpp"

namespace gdfast {

enum class Reduction { mean, sum };

struct Loss {
  double loss;
  double grad_b;
  double weight;  // Σ s, where it was summed
};

template <class T>
class LeastSquares {
 public:
  // The source must outlive this.
  LeastSquares(const Source<T>& source, Reduction reduction);

  // Loss, and the gradient in w into grad (d elements of T or double), in one read of x. False if `stop` gave up.
  // `negative`, if wanted, tells whether a weight is below 0: nothing in the sums does.
  template <class G>
  bool evaluate(const T* w, T b, G* grad, Loss& loss, const Stop* stop = nullptr, Counters* counters = nullptr,
                bool* negative = nullptr) const;

  const char* form() const { return walk_.form; }

 private:
  const Source<T>* source_;
  Reduction reduction_;
  Segments segments_;
  Walk<T> walk_;
};

// Where `stop` gives up, the results of these three are not to be used.

// out[i] = x_i · w + b
template <class T>
void forward(const Source<T>& source, const T* w, T b, T* out, const Stop* stop = nullptr);

// grad = 2 Xᵀ(y_pred − y) / n, or without the n
template <class T>
void gradient(const Source<T>& source, Reduction reduction, T* grad, const Stop* stop = nullptr);

// Σ (y_pred − y)² / n, or without the n
template <class T>
double squared_error(const VectorView& y, const VectorView& y_pred, std::int64_t n, Reduction reduction,
                     const Stop* stop = nullptr);

// The sum of n contiguous elements: reads them as fast as they can be read.
template <class T>
double sum(const T* x, std::int64_t n);

}  // namespace gdfast
