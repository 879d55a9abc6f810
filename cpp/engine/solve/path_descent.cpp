#include "path_descent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cholesky.hpp"
#include "lanes.hpp"

namespace gdfast {
namespace {

constexpr int kRounds = 1000;
// What a linear system of m coefficients costs is about m/6 sweeps over them.
constexpr std::size_t kSweeps = 12, kSweepsOf = 4;
// Shares of the objective at 0. A sweep that lowers it by less moves coefficients in their ninth digit and beyond.
constexpr double kStill = 1e-14, kGap = 1e-12;
// What a column's derivative may exceed the threshold by, as a share of the most it can be: rounding.
constexpr double kSlack = 1e-13;

bool same_sign(double a, double b) { return (a > 0 && b > 0) || (a < 0 && b < 0); }

}  // namespace

PathDescent::PathDescent(const PathObjective& objective)
    : objective_(objective),
      a_(objective.a()),
      c_(objective.c()),
      d_(objective.d()),
      at_zero_(objective.at_zero()),
      v_(static_cast<std::size_t>(d_)),
      h_(static_cast<std::size_t>(d_)),
      is_active_(static_cast<std::size_t>(d_)),
      g_(std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(d_ * d_))) {}

bool PathDescent::solve(double l1, double l2, const Stop* stop) {
  half_l1_ = l1 / 2;
  l2_ = l2;
  extrapolate();
  find_h();
  // The sequential strong rule (Tibshirani and others 2012): hardly a column comes in that it hasn't foreseen.
  admit(std::min(half_l1_, 2 * half_l1_ - last_l1_ / 2));
  for (int round = 0; round < kRounds; ++round) {
    if (stop != nullptr && *stop && (*stop)()) return false;
    if (!descend()) solve_active();
    find_h();
    gap_ = find_gap();
    if (!admit(half_l1_) && gap_ <= kGap) break;
  }
  remember();
  return true;
}

std::int64_t PathDescent::count() const {
  return std::count_if(v_.begin(), v_.end(), [](double v) { return v != 0; });
}

// While the same coefficients are at work, they move along a line in l1.
void PathDescent::extrapolate() {
  if (last_l1_ == before_l1_) return;
  const double far = (2 * half_l1_ - last_l1_) / (last_l1_ - before_l1_);
  for (std::size_t i = 0; i < before_.size(); ++i) {
    const double to = last_[i] + far * (last_[i] - before_[i]);
    if (same_sign(last_[i], before_[i]) && same_sign(to, last_[i])) u_[i] = to;
  }
}

void PathDescent::remember() {
  before_ = std::exchange(last_, u_);
  before_l1_ = std::exchange(last_l1_, 2 * half_l1_);
}

// Until nothing moves; false if that takes too long.
bool PathDescent::descend() {
  const std::size_t most = std::max(kSweeps, active_.size() / kSweepsOf);
  for (std::size_t k = 0; k < most; ++k) {
    if (sweep() <= kStill * at_zero_) return true;
  }
  return false;
}

// The largest amount by which a coefficient's move lowered the objective.
double PathDescent::sweep() {
  const auto count = static_cast<std::int64_t>(active_.size());
  double* const rest = rest_.data();
  double most = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double* const column = g_.get() + i * d_;
    double& u = u_[static_cast<std::size_t>(i)];
    const double curvature = column[i] + l2_;
    const double alone = rest[i] + curvature * u;
    const double size = std::fabs(alone) - half_l1_;
    const double step = (size > 0 ? std::copysign(size / curvature, alone) : 0) - u;
    if (step == 0) continue;
    add_multiple(-step, column, count, rest);
    rest[i] -= step * l2_;
    u += step;
    if (size <= 0) u = 0;
    most = std::max(most, curvature * step * step);
  }
  return most;
}

// Where the same coefficients stay at work, they are the solution of a linear system. On the way there the objective falls:
// the first that comes to 0 stays there, and the others go on.
void PathDescent::solve_active() {
  std::vector<std::int64_t> at_work;
  for (std::size_t i = 0; i < u_.size(); ++i) {
    if (u_[i] != 0) at_work.push_back(static_cast<std::int64_t>(i));
  }
  while (!at_work.empty()) {
    const auto count = static_cast<std::int64_t>(at_work.size());
    std::vector<double> a(static_cast<std::size_t>(count * count)), x(at_work.size());
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t p = at_work[static_cast<std::size_t>(i)];
      for (std::int64_t k = 0; k <= i; ++k) {
        a[static_cast<std::size_t>(i * count + k)] =
            g_[static_cast<std::size_t>(p * d_ + at_work[static_cast<std::size_t>(k)])];
      }
      a[static_cast<std::size_t>(i * count + i)] += l2_;
      const auto at = static_cast<std::size_t>(p);
      x[static_cast<std::size_t>(i)] = c_[active_[at]] - std::copysign(half_l1_, u_[at]);
    }
    const Cholesky factors(a.data(), count);
    if (!factors.has_full_rank()) return;
    std::vector<double> to(x.size());
    factors.solve(x.data(), to.data());
    double share = 1;
    std::size_t first = at_work.size();
    for (std::size_t i = 0; i < at_work.size(); ++i) {
      const double from = u_[static_cast<std::size_t>(at_work[i])];
      if (same_sign(from, to[i]) || from / (from - to[i]) >= share) continue;
      share = from / (from - to[i]);
      first = i;
    }
    for (std::size_t i = 0; i < at_work.size(); ++i) {
      double& u = u_[static_cast<std::size_t>(at_work[i])];
      u = first == at_work.size() ? to[i] : u + share * (to[i] - u);
    }
    if (first == at_work.size()) return;
    u_[static_cast<std::size_t>(at_work[first])] = 0;
    at_work.erase(at_work.begin() + static_cast<std::ptrdiff_t>(first));
    at_work.erase(std::remove_if(at_work.begin(), at_work.end(),
                                 [this](std::int64_t i) { return u_[static_cast<std::size_t>(i)] == 0; }),
                  at_work.end());
  }
}

// v and h afresh: sweeps add their roundings to what they keep.
void PathDescent::find_h() {
  std::copy_n(c_, d_, h_.data());
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const std::int64_t j = active_[i];
    v_[static_cast<std::size_t>(j)] = u_[i];
    if (u_[i] == 0) continue;
    add_multiple(-u_[i], a_ + j * d_, d_, h_.data());
  }
  rest_.resize(active_.size());
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const auto j = static_cast<std::size_t>(active_[i]);
    h_[j] -= l2_ * u_[i];
    rest_[i] = h_[j];
  }
}

// Takes in the columns along which the objective falls. False if there are none.
bool PathDescent::admit(double threshold) {
  const std::size_t before = active_.size();
  for (std::int64_t j = 0; j < d_; ++j) {
    const auto at = static_cast<std::size_t>(j);
    const double square = objective_.diagonal(j);
    if (is_active_[at] || !(square > 0)) continue;
    if (std::fabs(h_[at]) <= threshold + kSlack * std::sqrt(square * at_zero_)) continue;
    const auto place = static_cast<std::int64_t>(active_.size());
    active_.push_back(j);
    is_active_[at] = true;
    for (std::int64_t i = 0; i <= place; ++i) {
      g_[static_cast<std::size_t>(place * d_ + i)] = g_[static_cast<std::size_t>(i * d_ + place)] =
          a_[j * d_ + active_[static_cast<std::size_t>(i)]];
    }
    u_.push_back(0);
    rest_.push_back(h_[at]);
  }
  return active_.size() > before;
}

// By the dual at the residual of v, as `dual` takes it, with √l2·v beside it.
double PathDescent::find_gap() const {
  if (at_zero_ == 0) return 0;
  double steepest = 0;
  for (std::size_t j = 0; j < h_.size(); ++j) steepest = std::max(steepest, std::fabs(h_[j]));
  double cv = 0, hv = 0, sizes = 0;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const auto j = static_cast<std::size_t>(active_[i]);
    cv += c_[j] * u_[i];
    hv += h_[j] * u_[i];
    sizes += std::fabs(u_[i]);
  }
  const double with_y = at_zero_ - cv, squares = with_y - hv, l1 = 2 * half_l1_;
  const double most = steepest > 0 ? l1 / (2 * steepest) : std::numeric_limits<double>::infinity();
  const double alpha = squares > 0 ? std::clamp(with_y / squares, -most, most) : 0;
  return std::max(squares + l1 * sizes - alpha * (2 * with_y - alpha * squares), 0.0) / at_zero_;
}

}  // namespace gdfast
