// The descent: pass after pass over an objective, with an optimizer, a penalty, batches and rules for stopping, which
// know nothing of one another.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/solve/gram.hpp"
#include "objective.hpp"
#include "optimizer.hpp"
#include "penalty.hpp"
#include "standardization.hpp"
#include "streamed_objective.hpp"

namespace gdfast {

enum class Stopped { n_iters, tol, validation, callback, interrupted, diverged, converged };

template <class T>
struct Descent {
  std::vector<T> w;  // d, in the units of x
  T b = T(0);
  std::vector<double> losses;             // losses[k]: at the start of pass k; with batches the mean over its updates
  std::vector<double> validation_losses;  // after pass k
  double loss = 0;                        // after the last update; NaN if it isn't known
  Stopped stopped = Stopped::n_iters;
  std::vector<double> gradient;  // of loss and l2 there, in the coordinates of the parameters; empty if it isn't known
  // Columns that depend on others, with those, where they were in the way of the solution.
  std::vector<std::vector<std::int64_t>> dependent;
  double smallest_pivot = 1;
};

// What is descended, all in the coordinates of the parameters.
template <class T>
struct Data {
  Objective& full;        // all rows
  Objective& update;      // what an update takes its gradient of: all rows, or those of a batch
  Batches<T>* batches;    // chooses the rows of `update`; null where it has all
  Objective* validation;  // may be null
  const Gram* gram;       // of all rows; null where they are streamed
  Objective* samples;     // all rows themselves, in float64, beside their moments; may be null
  Standardization columns;
  double target = 0;  // subtracted from y: the parameters' intercept is so much less
};

struct DescentOptions {
  std::string optimizer;  // or "cg" or "exact", which take no rates
  OptimizerOptions rates;
  Penalty penalty;
  std::int64_t n_iters;
  bool fit_intercept;
  Reduction reduction;
  double tol;  // negative: no such rule
  std::int64_t patience;
};

// What a descent asks of whoever started it. Both may be empty.
template <class T>
struct Watcher {
  enum class Answer { go_on, stop, failed };
  std::function<Answer(std::int64_t iteration, const Descent<T>&)> after_pass;  // w and b are those of the pass
  const Stop* interrupted = nullptr;                                            // also asked between passes
};

// From the w and b in `descent`. std::invalid_argument where no optimizer has the name, or "exact" has no moments.
template <class T>
void descend(const Data<T>& data, const DescentOptions& options, const Watcher<T>& watcher, Descent<T>& descent);

}  // namespace gdfast
