#include "descend.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

#include "conjugate_gradients.hpp"
#include "engine/solve/dot.hpp"
#include "engine/solve/exact.hpp"
#include "engine/solve/refinement.hpp"
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
        wide_(descent.w.size() + (options.fit_intercept ? 1 : 0)),
        wide_grad_(wide_.size()),
        tolerance_(options.tol),
        patience_(options.patience) {
    start();
  }

  void run() {
    for (std::int64_t k = 0; k < options_.n_iters && descent_.stopped == Stopped::n_iters; ++k) {
      if (!pass()) descent_.stopped = Stopped::interrupted;
      if (descent_.stopped == Stopped::n_iters) after_pass(k);
    }
    // Without a pass they are where they began, and to and fro between the units would round them.
    if (!descent_.losses.empty()) hand_out(best_.empty() ? position() : best_.data());
    final_loss(best_.empty() ? position() : best_.data());
  }

 private:
  const Data<T>& data_;
  const DescentOptions& options_;
  const Watcher<T>& watcher_;
  Descent<T>& descent_;
  const std::int64_t d_;
  // w (standardised, where that is asked for), then b where one is fitted: in T, as an optimizer moves them, or in float64.
  std::vector<T> parameters_, grad_;
  std::vector<double> solution_;
  std::unique_ptr<ConjugateGradients> conjugate_;
  std::vector<double> wide_, wide_grad_;
  std::unique_ptr<Optimizer<T>> optimizer_;
  Tolerance tolerance_;
  Patience patience_;
  std::vector<double> best_;  // by validation
  double zero_loss_ = std::numeric_limits<double>::quiet_NaN();

  bool is_exact() const { return options_.optimizer == "exact"; }

  void start() {
    auto b = static_cast<double>(descent_.b);
    for (std::size_t j = 0; j < descent_.w.size(); ++j) wide_[j] = static_cast<double>(descent_.w[j]);
    if (data_.columns) b = data_.columns.from_original(wide_.data(), b, d_, wide_.data());
    if (options_.fit_intercept) wide_.back() = b - data_.target;
    descent_.loss = std::numeric_limits<double>::quiet_NaN();
    constexpr std::int64_t kReserved = 1 << 16;  // growing in small steps would cost more than a small pass
    descent_.losses.reserve(static_cast<std::size_t>(std::min(options_.n_iters, kReserved)));
    if (is_exact()) {
      if (data_.gram == nullptr) throw std::invalid_argument("optimizer 'exact' needs moments");
      solution_ = wide_;
    } else if (options_.optimizer == "cg") {
      const double eps = data_.gram != nullptr ? std::numeric_limits<double>::epsilon()
                                               : static_cast<double>(std::numeric_limits<T>::epsilon());
      conjugate_ = std::make_unique<ConjugateGradients>(wide_, eps);
    } else {
      start_optimizer();
    }
  }

  void start_optimizer() {
    parameters_.resize(wide_.size());
    for (std::size_t j = 0; j < wide_.size(); ++j) parameters_[j] = static_cast<T>(wide_[j]);
    grad_.resize(parameters_.size());
    const auto size = static_cast<std::int64_t>(parameters_.size());
    optimizer_ = make_optimizer(options_.optimizer, options_.rates, size, parameters_.data());
    if (!optimizer_) throw std::invalid_argument("no optimizer is called '" + options_.optimizer + "'");
  }

  // The parameters in float64.
  const double* position() {
    if (!solution_.empty()) return solution_.data();
    return conjugate_ ? conjugate_->parameters().data() : widened(parameters_.data());
  }

  const double* widened(const T* parameters) {
    for (std::size_t j = 0; j < wide_.size(); ++j) wide_[j] = static_cast<double>(parameters[j]);
    return wide_.data();
  }

  double intercept(const double* parameters) const { return options_.fit_intercept ? parameters[d_] : 0; }

  // False where it was interrupted.
  bool pass() {
    double objective = 0;
    if (!update_all(objective)) return false;
    descent_.losses.push_back(objective);
    return !(watcher_.interrupted != nullptr && (*watcher_.interrupted)()) && validate();
  }

  bool update_all(double& objective) {
    if (is_exact()) return solve_all(objective);
    if (conjugate_) return conjugate_pass(objective);
    return data_.batches == nullptr ? update(objective) : batches(objective);
  }

  // One pass in all, since one is all it takes.
  bool solve_all(double& objective) {
    if (!objective_at(solution_.data(), objective)) return false;
    const Quadratic quadratic(*data_.gram, data_.columns, options_.penalty, options_.reduction, options_.fit_intercept);
    Solution found = solve(quadratic, solution_.data(), watcher_.interrupted);
    if (found.interrupted) return false;
    if (data_.samples != nullptr && found.dependent.empty() &&
        refining_pays(*data_.gram, data_.columns, quadratic, found.v.data(), found.smallest_pivot) &&
        !refine(quadratic, *data_.samples, found.v.data())) {
      return false;
    }
    // Without scales the coefficients go out as they are, in T, and the intercept is the best for those.
    const auto rounded = [this](double v) { return data_.columns ? v : static_cast<double>(static_cast<T>(v)); };
    std::ranges::transform(found.v, solution_.begin(), rounded);
    if (options_.fit_intercept) solution_.back() = quadratic.best_intercept(solution_.data());
    descent_.dependent = std::move(found.dependent);
    descent_.smallest_pivot = found.smallest_pivot;
    return true;
  }

  // The objective into `objective`, its gradient (without l1) into wide_grad_.
  bool objective_at(const double* parameters, double& objective) {
    Loss loss{};
    if (!evaluate(data_.full, parameters, loss)) return false;
    objective = loss.loss + options_.penalty.value(parameters, d_);
    options_.penalty.add_gradient(parameters, d_, wide_grad_.data());
    return true;
  }

  bool conjugate_pass(double& objective) {
    if (conjugate_->needs_gradient()) {
      if (!objective_at(conjugate_->parameters().data(), objective)) return false;
      conjugate_->start(objective, wide_grad_);
      objective = conjugate_->objective();
      return true;
    }
    objective = conjugate_->objective();
    const std::vector<double> direction = conjugate_->unit_direction();
    double image_b = 0;
    if (!data_.full.product(direction.data(), intercept(direction.data()), wide_grad_.data(), image_b)) return false;
    if (options_.fit_intercept) wide_grad_.back() = image_b;
    options_.penalty.add_gradient(direction.data(), d_, wide_grad_.data());
    if (std::ranges::all_of(wide_grad_, [](double value) { return std::isfinite(value); })) {
      conjugate_->step(wide_grad_);
    } else {
      objective = std::numeric_limits<double>::quiet_NaN();  // squares of the data overflow: there is no such descent
    }
    return true;
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
    if (!evaluate(data_.update, widened(point), loss)) return false;
    objective = loss.loss + options_.penalty.value(point, d_);
    for (std::size_t j = 0; j < grad_.size(); ++j) grad_[j] = static_cast<T>(wide_grad_[j]);
    options_.penalty.add_gradient(point, d_, grad_.data());
    optimizer_->step(grad_.data(), parameters_.data());
    options_.penalty.shrink(parameters_.data(), d_, options_.rates.learning_rate);
    optimizer_->stepped(parameters_.data());
    return true;
  }

  bool evaluate(Objective& objective, const double* parameters, Loss& loss) {
    if (!objective.evaluate(parameters, intercept(parameters), wide_grad_.data(), loss)) return false;
    if (options_.fit_intercept) wide_grad_.back() = loss.grad_b;
    return true;
  }

  bool validate() {
    if (data_.validation == nullptr) return true;
    Loss loss{};
    const double* const at = position();
    if (!evaluate(*data_.validation, at, loss)) return false;
    descent_.validation_losses.push_back(loss.loss);
    const double error = data_.validation->error(at, intercept(at), loss.loss);
    if (patience_.improves(loss.loss, error)) best_.assign(at, at + wide_.size());
    return true;
  }

  void after_pass(std::int64_t k) {
    using Answer = typename Watcher<T>::Answer;
    Answer answer = Answer::go_on;
    if (watcher_.after_pass) {
      hand_out(position());
      answer = watcher_.after_pass(k, descent_);
    }
    if (answer == Answer::failed) {
      descent_.stopped = Stopped::interrupted;
    } else if (diverged(descent_.losses.back())) {
      descent_.stopped = Stopped::diverged;
    } else if (answer == Answer::stop) {
      descent_.stopped = Stopped::callback;
    } else if (is_exact() || (conjugate_ && conjugate_->arrived())) {
      descent_.stopped = Stopped::converged;
    } else if (data_.validation != nullptr && patience_.exhausted()) {
      descent_.stopped = Stopped::validation;
    } else if (tolerance_.is_asked() && had_moved() && tolerance_.reached(descent_.losses, loss_error())) {
      descent_.stopped = Stopped::tol;
    }
  }

  bool had_moved() const { return !conjugate_ || conjugate_->had_moved(); }

  double loss_error() {
    const double* const at = position();
    return data_.full.error(at, intercept(at), descent_.losses.back());
  }

  bool diverged(double loss) {
    if (!std::isfinite(loss)) return true;
    if (loss <= kGrowth * (descent_.losses.empty() ? loss : descent_.losses.front())) return false;
    if (std::isnan(zero_loss_)) {
      std::vector<double> zeros(wide_.size(), 0.0);
      if (data_.target != 0) zeros.back() = -data_.target;
      Loss at_zero{};
      if (evaluate(data_.full, zeros.data(), at_zero)) zero_loss_ = at_zero.loss;
    }
    return loss > kGrowth * zero_loss_;
  }

  // A descent that was interrupted or diverged doesn't take another pass over the data: its last loss is the last one
  // known.
  void final_loss(const double* parameters) {
    const bool ended = descent_.stopped == Stopped::interrupted || descent_.stopped == Stopped::diverged;
    if (ended || !objective_at(parameters, descent_.loss)) {
      if (!ended) descent_.stopped = Stopped::interrupted;
      if (!descent_.losses.empty()) descent_.loss = descent_.losses.back();
      return;
    }
    descent_.gradient = wide_grad_;
    if (diverged(descent_.loss)) descent_.stopped = Stopped::diverged;
  }

  // The parameters in the units of x: w as it is rounded to T, and the b that goes with that.
  void hand_out(const double* parameters) {
    ExactSum b;
    b.add(intercept(parameters));
    if (data_.target != 0) b.add(data_.target);
    for (std::int64_t j = 0; j < d_; ++j) {
      const double w = data_.columns ? parameters[j] * data_.columns.inverse(j) : parameters[j];
      const auto rounded = static_cast<T>(w);
      descent_.w[static_cast<std::size_t>(j)] = rounded;
      if (data_.columns) b.add_product(-data_.columns.shift[j], static_cast<double>(rounded));
    }
    if (options_.fit_intercept) descent_.b = static_cast<T>(b.value());
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
