#include "descent.hpp"

#include <limits>

namespace gdfast {

template <class T>
void descend(const LeastSquares<T>& problem, const DescentOptions& options, const Watcher<T>& watcher,
             Descent<T>& descent) {
  using Stopped = typename Descent<T>::Stopped;
  const Stop* const stop = watcher.interrupted ? &watcher.interrupted : nullptr;
  const T rate = static_cast<T>(options.learning_rate);
  std::vector<T> grad(descent.w.size());
  Loss now{std::numeric_limits<double>::quiet_NaN(), 0};  // until the first pass is done
  for (std::int64_t k = 0; k < options.n_iters && descent.stopped == Stopped::n_iters; ++k) {
    if (!problem.evaluate(descent.w.data(), descent.b, grad.data(), now, stop)) {
      descent.stopped = Stopped::interrupted;
      break;
    }
    descent.losses.push_back(now.loss);
    for (std::size_t j = 0; j < grad.size(); ++j) descent.w[j] -= rate * grad[j];
    if (options.fit_intercept) descent.b -= rate * static_cast<T>(now.grad_b);
    if (watcher.after_pass && watcher.after_pass(k, descent)) descent.stopped = Stopped::callback;
  }
  // An interrupted descent doesn't take another pass over the data: its last loss is the last one known.
  if (descent.stopped != Stopped::interrupted) {
    if (!problem.evaluate(descent.w.data(), descent.b, grad.data(), now, stop)) descent.stopped = Stopped::interrupted;
  }
  descent.loss = now.loss;
}

template void descend(const LeastSquares<float>&, const DescentOptions&, const Watcher<float>&, Descent<float>&);
template void descend(const LeastSquares<double>&, const DescentOptions&, const Watcher<double>&, Descent<double>&);

}  // namespace gdfast
