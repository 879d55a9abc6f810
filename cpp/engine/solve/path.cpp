#include "path.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "cholesky.hpp"
#include "engine/mirror.hpp"
#include "engine/stop_flag.hpp"
#include "engine/thread_pool.hpp"
#include "exact.hpp"
#include "gram_sum.hpp"
#include "lanes.hpp"
#include "losses.hpp"
#include "path_descent.hpp"
#include "path_objective.hpp"
#include "quadratic.hpp"
#include "tridiagonal.hpp"

namespace gdfast {
namespace {

// Below this share of l1 no penalty sets all coefficients to 0 that is of any use: the largest is that of this share.
constexpr double kLeastRatio = 1e-3;
constexpr int kRefinements = 4;
constexpr double kExact = 1e-24;  // a gap, as a share of the objective at 0, that moves no digit of a coefficient

// A set of rows to train on, in the coordinates of the descent.
class TrainingSet {
 public:
  TrainingSet(const Gram& gram, const PathOptions& options, ArrayPool& arrays)
      : options_(options), arrays_(arrays), objective_(gram, options.fit_intercept, options.standardize, arrays) {}

  // The least penalty at which all coefficients are 0.
  double largest_penalty(double ratio) const {
    double steepest = 0;
    for (std::int64_t j = 0; j < objective_.d(); ++j) steepest = std::max(steepest, std::fabs(objective_.c()[j]));
    // A last digit more, so that the first coefficient isn't the rounding of 0.
    const double largest =
        2 * steepest / std::max(ratio, kLeastRatio) * (1 + 4 * std::numeric_limits<double>::epsilon());
    return largest > 0 ? largest : 1;
  }

  // Calls done(i, v, df, gap) for each penalty. False where it was interrupted.
  template <class Done>
  bool solve(double ratio, const double* penalties, Done done, const Stop* stop) {
    return ratio > 0 ? descend(ratio, penalties, done, stop) : solve_ridge(penalties, done, stop);
  }

  double to_original(const double* v, double* w) const { return objective_.to_original(v, w); }

 private:
  const PathOptions& options_;
  ArrayPool& arrays_;
  PathObjective objective_;

  template <class Done>
  bool descend(double ratio, const double* penalties, Done done, const Stop* stop) {
    PathDescent path(objective_, arrays_);
    for (std::int64_t i = 0; i < options_.count; ++i) {
      const double l1 = penalties[i] * ratio, l2 = penalties[i] * (1 - ratio) / 2;
      if (penalties[i] == 0) {
        done_exactly(0, i, done);
        continue;
      }
      if (!path.solve(l1, l2, stop)) return false;
      done(i, path.v(), static_cast<double>(path.count()), path.gap());
    }
    return true;
  }

  template <class Done>
  bool solve_ridge(const double* penalties, Done done, const Stop* stop) {
    const std::int64_t d = objective_.d();
    Tridiagonal factors(objective_.a(), d);
    std::vector<double> v(static_cast<std::size_t>(d)), h(v.size()), step(v.size());
    for (std::int64_t i = 0; i < options_.count; ++i) {
      if (stop != nullptr && *stop && (*stop)()) return false;
      const double l2 = penalties[i] / 2;
      const bool definite = penalties[i] > 0 && factors.shift(l2);
      double gap = std::numeric_limits<double>::infinity();
      if (definite) {
        factors.solve(objective_.c(), v.data());
        // Again for what is left: where scales differ, reflections mix large columns' roundings into small ones.
        for (int again = 0; again < kRefinements && gap > kExact; ++again) {
          find_rest(l2, v, h);
          factors.solve(h.data(), step.data());
          gap = std::fabs(lane_dot(h.data(), step.data(), d)) / (objective_.at_zero() > 0 ? objective_.at_zero() : 1);
          for (std::size_t j = 0; j < v.size(); ++j) v[j] += step[j];
        }
      }
      if (gap <= kGap) {
        done(i, v.data(), static_cast<double>(d) - l2 * factors.trace_of_inverse(), gap);
      } else {
        done_exactly(l2, i, done);
      }
    }
    return true;
  }

  static constexpr double kGap = 1e-12;

  // h = c − Av − l2·v
  void find_rest(double l2, const std::vector<double>& v, std::vector<double>& h) const {
    const std::int64_t d = objective_.d();
    std::copy_n(objective_.c(), d, h.data());
    for (std::int64_t j = 0; j < d; ++j) {
      const double vj = v[static_cast<std::size_t>(j)];
      add_multiple(-vj, objective_.a() + j * d, d, h.data());
      h[static_cast<std::size_t>(j)] -= l2 * vj;
    }
  }

  template <class Done>
  void done_exactly(double l2, std::int64_t i, Done done) const {
    const Quadratic penalised(objective_.gram(), objective_.columns(), Penalty{l2, 0}, Reduction::mean,
                              options_.fit_intercept);
    const Solution exact = gdfast::solve(penalised, nullptr, nullptr);
    done(i, exact.v.data(), rank(), exact.gap / (penalised.at_zero() > 0 ? penalised.at_zero() : 1));
  }

  double rank() const { return static_cast<double>(Cholesky(objective_.a(), objective_.d()).rank()); }
};

class Work {
 public:
  Work(const std::vector<Gram>& folds, const PathOptions& options, const PathRoom& room, const Stop* stop)
      : folds_(folds), options_(options), room_(room), flag_(stop), arrays_(WorkingSet::room(folds.front().d)) {
    if (folds.size() > 1) sums_ = training_sums(folds);
  }

  bool run() {
    const Gram together = all();
    const std::int64_t size = together.d + 2;
    std::copy_n(together.matrix, size * size, room_.matrix);
    double* const all_of_it = room_.matrix;
    each_below_diagonal(
        size, [all_of_it, size](std::int64_t j, std::int64_t k) { all_of_it[j * size + k] = all_of_it[k * size + j]; });
    std::copy_n(together.origin, size - 1, room_.origin);
    all_rows_ = std::make_unique<TrainingSet>(together, options_, arrays_);
    if (!room_.given) find_penalties();
    const int count = static_cast<int>(folds_.size()) + (folds_.size() > 1 ? 1 : 0);
    run_tasks(count, num_threads(), [](void* work, int i) { static_cast<Work*>(work)->task(i); }, this);
    return !flag_.stopped();
  }

 private:
  const std::vector<Gram>& folds_;
  const PathOptions& options_;
  const PathRoom& room_;
  StopFlag flag_;
  TrainingSums sums_;
  ArrayPool arrays_;
  std::unique_ptr<TrainingSet> all_rows_;

  Gram all() const { return folds_.size() > 1 ? sums_.all.view() : folds_.front(); }

  void find_penalties() {
    for (std::size_t r = 0; r < options_.ratios.size(); ++r) {
      double* const to = room_.penalties + static_cast<std::int64_t>(r) * options_.count;
      const double largest = all_rows_->largest_penalty(options_.ratios[r]);
      const double steps = static_cast<double>(std::max<std::int64_t>(options_.count - 1, 1));
      for (std::int64_t i = 0; i < options_.count; ++i) {
        to[i] = largest * std::pow(options_.eps, static_cast<double>(i) / steps);
      }
    }
  }

  // The first is of all rows; the others leave out a fold each.
  void task(int i) { i == 0 ? solve_on_all_rows() : validate(static_cast<std::size_t>(i - 1)); }

  void solve_on_all_rows() {
    const Stop stop = [this] { return flag_(); };
    for (std::size_t r = 0; r < options_.ratios.size(); ++r) {
      const std::int64_t from = static_cast<std::int64_t>(r) * options_.count;
      const auto keep = [&](std::int64_t k, const double* v, double df, double gap) {
        room_.intercepts[from + k] = all_rows_->to_original(v, room_.coefs + (from + k) * folds_.front().d);
        room_.df[from + k] = df;
        room_.gaps[from + k] = gap;
      };
      if (!all_rows_->solve(options_.ratios[r], room_.penalties + from, keep, &stop)) return;
    }
    all_rows_.reset();  // its memory is of use to those that come after
  }

  void validate(std::size_t fold) {
    const std::int64_t d = folds_[fold].d, count = options_.count, ratios = std::ssize(options_.ratios);
    TrainingSet set(sums_.without[fold].view(), options_, arrays_);
    const Stop stop = [this] { return flag_(); };
    std::vector<double> w(static_cast<std::size_t>(count * d)), b(static_cast<std::size_t>(count));
    for (std::int64_t r = 0; r < ratios; ++r) {
      const auto keep = [&](std::int64_t k, const double* v, double, double) {
        b[static_cast<std::size_t>(k)] = set.to_original(v, w.data() + k * d);
      };
      const double ratio = options_.ratios[static_cast<std::size_t>(r)];
      if (!set.solve(ratio, room_.penalties + r * count, keep, &stop)) return;
      find_losses(folds_[fold], w.data(), b.data(), count,
                  room_.losses + (static_cast<std::int64_t>(fold) * ratios + r) * count);
    }
  }
};

}  // namespace

bool solve_path(const std::vector<Gram>& folds, const PathOptions& options, const PathRoom& room, const Stop* stop) {
  return Work(folds, options, room, stop).run();
}

}  // namespace gdfast
