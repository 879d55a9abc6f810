#include "descend.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

#include "stopping.hpp"

namespace gdfast {
namespace {

template <class T>
class Loop {
 public:
  Loop(const Data<T>& data, const DescentOptions& options, const Watcher<T>& watcher, Descent<T>& descent)
      : data_(data),
        options_(options),
        watcher_(watcher),
        descent_(descent),
        d_(static_cast<std::int64_t>(descent.w.size())),
        wide_(descent.w.size()),
        wide_grad_(descent.w.size()),
        tolerance_(options.tol),
        patience_(options.patience) {
    start();
  }

  void run() {
    for (std::int64_t k = 0; k < options_.n_iters && descent_.stopped == Stopped::n_iters; ++k) {
      if (!pass()) descent_.stopped = Stopped::interrupted;
      if (descent_.stopped == Stopped::n_iters) after_pass(k);
    }
    if (!best_.empty()) parameters_ = best_;
    // Without a pass they are where they began, and to and fro between the units would round them.
    if (!descent_.losses.empty()) hand_out();
    final_loss();
  }

 private:
  const Data<T>& data_;
  const DescentOptions& options_;
  const Watcher<T>& watcher_;
  Descent<T>& descent_;
  const std::int64_t d_;
  std::vector<T> parameters_, grad_;  // w (standardised, where that is asked for), then b where one is fitted
  std::vector<double> wide_, wide_grad_;
  std::unique_ptr<Optimizer<T>> optimizer_;
  Tolerance tolerance_;
  Patience patience_;
  std::vector<T> best_;  // by validation
  double zero_loss_ = std::numeric_limits<double>::quiet_NaN();

  void start() {
    auto b = static_cast<double>(descent_.b);
    for (std::size_t j = 0; j < wide_.size(); ++j) wide_[j] = static_cast<double>(descent_.w[j]);
    if (data_.columns) b = data_.columns.from_original(wide_.data(), b, d_, wide_.data());
    parameters_.resize(wide_.size() + (options_.fit_intercept ? 1 : 0));
    for (std::size_t j = 0; j < wide_.size(); ++j) parameters_[j] = static_cast<T>(wide_[j]);
    if (options_.fit_intercept) parameters_.back() = static_cast<T>(b);
    grad_.resize(parameters_.size());
    const auto size = static_cast<std::int64_t>(parameters_.size());
    optimizer_ = make_optimizer(options_.optimizer, options_.rates, size, parameters_.data());
    if (!optimizer_) throw std::invalid_argument("no optimizer is called '" + options_.optimizer + "'");
    descent_.loss = std::numeric_limits<double>::quiet_NaN();
    constexpr std::int64_t kReserved = 1 << 16;  // growing in small steps would cost more than a small pass
    descent_.losses.reserve(static_cast<std::size_t>(std::min(options_.n_iters, kReserved)));
  }

  // False where it was interrupted.
  bool pass() {
    double objective = 0;
    if (data_.batches == nullptr) {
      if (!update(objective)) return false;
    } else if (!batches(objective)) {
      return false;
    }
    descent_.losses.push_back(objective);
    return !(watcher_.interrupted != nullptr && (*watcher_.interrupted)()) && validate();
  }

  bool batches(double& mean) {
    if (!data_.batches->start_pass()) return false;
    const std::int64_t count = data_.batches->count();
    double sum = 0;
    for (std::int64_t k = 0; k < count; ++k) {
      double objective = 0;
      data_.batches->select(k);
      if (!update(objective)) return false;
      sum += objective;
    }
    mean = sum / static_cast<double>(count);
    return true;
  }

  bool update(double& objective) {
    const T* const point = optimizer_->point(parameters_.data());
    Loss loss{};
    if (!evaluate(data_.update, point, loss)) return false;
    objective = loss.loss + options_.penalty.value(point, d_);
    for (std::size_t j = 0; j < wide_grad_.size(); ++j) grad_[j] = static_cast<T>(wide_grad_[j]);
    if (options_.fit_intercept) grad_.back() = static_cast<T>(loss.grad_b);
    options_.penalty.add_gradient(point, d_, grad_.data());
    optimizer_->step(grad_.data(), parameters_.data());
    options_.penalty.shrink(parameters_.data(), d_, options_.rates.learning_rate);
    optimizer_->stepped(parameters_.data());
    return true;
  }

  bool evaluate(Source& source, const T* parameters, Loss& loss) {
    for (std::size_t j = 0; j < wide_.size(); ++j) wide_[j] = static_cast<double>(parameters[j]);
    const double b = options_.fit_intercept ? static_cast<double>(parameters[d_]) : 0;
    return source.evaluate(wide_.data(), b, wide_grad_.data(), loss);
  }

  bool validate() {
    if (data_.validation == nullptr) return true;
    Loss loss{};
    if (!evaluate(*data_.validation, parameters_.data(), loss)) return false;
    descent_.validation_losses.push_back(loss.loss);
    if (patience_.improves(loss.loss)) best_ = parameters_;
    return true;
  }

  void after_pass(std::int64_t k) {
    using Answer = typename Watcher<T>::Answer;
    Answer answer = Answer::go_on;
    if (watcher_.after_pass) {
      hand_out();
      answer = watcher_.after_pass(k, descent_);
    }
    if (answer == Answer::failed) {
      descent_.stopped = Stopped::interrupted;
    } else if (diverged(descent_.losses.back())) {
      descent_.stopped = Stopped::diverged;
    } else if (answer == Answer::stop) {
      descent_.stopped = Stopped::callback;
    } else if (data_.validation != nullptr && patience_.exhausted()) {
      descent_.stopped = Stopped::validation;
    } else if (tolerance_.reached(descent_.losses)) {
      descent_.stopped = Stopped::tol;
    }
  }

  bool diverged(double loss) {
    if (!std::isfinite(loss)) return true;
    if (loss <= kGrowth * (descent_.losses.empty() ? loss : descent_.losses.front())) return false;
    if (std::isnan(zero_loss_)) {
      const std::vector<T> zeros(parameters_.size(), T(0));
      Loss at_zero{};
      if (evaluate(data_.full, zeros.data(), at_zero)) zero_loss_ = at_zero.loss;
    }
    return loss > kGrowth * zero_loss_;
  }

  // A descent that was interrupted or diverged doesn't take another pass over the data: its last loss is the last one
  // known.
  void final_loss() {
    Loss loss{};
    const bool ended = descent_.stopped == Stopped::interrupted || descent_.stopped == Stopped::diverged;
    if (ended || !evaluate(data_.full, parameters_.data(), loss)) {
      if (!ended) descent_.stopped = Stopped::interrupted;
      if (!descent_.losses.empty()) descent_.loss = descent_.losses.back();
      return;
    }
    descent_.loss = loss.loss + options_.penalty.value(parameters_.data(), d_);
    if (diverged(descent_.loss)) descent_.stopped = Stopped::diverged;
  }

  // The parameters in the units of x.
  void hand_out() {
    if (!data_.columns) {
      std::copy_n(parameters_.begin(), d_, descent_.w.begin());
      if (options_.fit_intercept) descent_.b = parameters_.back();
      return;
    }
    for (std::size_t j = 0; j < wide_.size(); ++j) wide_[j] = static_cast<double>(parameters_[j]);
    const double c = options_.fit_intercept ? static_cast<double>(parameters_.back()) : 0;
    descent_.b = static_cast<T>(data_.columns.to_original(wide_.data(), c, d_, wide_.data()));
    for (std::size_t j = 0; j < wide_.size(); ++j) descent_.w[j] = static_cast<T>(wide_[j]);
  }
};

}  // namespace

template <class T>
void descend(const Data<T>& data, const DescentOptions& options, const Watcher<T>& watcher, Descent<T>& descent) {
  Loop<T>(data, options, watcher, descent).run();
}

template void descend(const Data<float>&, const DescentOptions&, const Watcher<float>&, Descent<float>&);
template void descend(const Data<double>&, const DescentOptions&, const Watcher<double>&, Descent<double>&);

}  // namespace gdfast
