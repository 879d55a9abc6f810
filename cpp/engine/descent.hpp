// Full-batch gradient descent.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "least_squares.hpp"

namespace gdfast {

template <class T>
struct Descent {
  std::vector<T> w;
  T b = T(0);
  std::vector<double> losses;  // losses[k]: at the start of pass k
  double loss = 0;             // after the last update
  enum class Stopped { n_iters, callback, interrupted } stopped = Stopped::n_iters;
};

struct DescentOptions {
  double learning_rate;
  std::int64_t n_iters;
  bool fit_intercept;
};

// What a descent asks of whoever started it. Both may be empty.
template <class T>
struct Watcher {
  std::function<bool(std::int64_t iteration, const Descent<T>&)> after_pass;  // true stops the descent
  Stop interrupted;
};

// w ← w − learning_rate · grad, n_iters times, from the w and b in `descent`.
template <class T>
void descend(const LeastSquares<T>& problem, const DescentOptions& options, const Watcher<T>& watcher,
             Descent<T>& descent);

}  // namespace gdfast
