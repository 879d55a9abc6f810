#include "path_descent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cholesky.hpp"
#include "engine/dispatch.hpp"
#include "lanes.hpp"

namespace gdfast {
namespace {

// Rounds that don't bring the gap down, after which nothing will: columns that differ by rounding alone, say.
constexpr int kIdle = 20;
// What a linear system of m coefficients costs is about m/3 sweeps over them.
constexpr std::int64_t kSweeps = 24, kSweepsOf = 2;
constexpr double kGap = 1e-12;  // a share of the objective at 0
// What a column's derivative may exceed the threshold by, as a share of the most it can be: rounding.
constexpr double kSlack = 1e-13;
// Lines are followed no further than this many times the way that they were seen on: beyond are roundings.
constexpr double kFar = 2;
// What an element of h is off by, as a share of the column's length times Σ|v|·length: more where coefficients cancel one
// another's effects, as those of columns do that are nearly alike.
constexpr double kNoise = 2 * std::numeric_limits<double>::epsilon();

}  // namespace

PathDescent::PathDescent(const PathObjective& objective, ArrayPool& arrays)
    : objective_(objective),
      set_(objective.a(), objective.d(), arrays),
      at_zero_(objective.at_zero()),
      c_(objective.c(), objective.c() + objective.d()),
      now_{0, Vector(c_.size()), c_},
      last_(now_),
      before_(now_),
      v_(c_.size()) {
  for (std::int64_t j = 0; j < objective.d(); ++j) square_.push_back(objective.diagonal(j));
  largest_square_ = square_.empty() ? 0 : *std::max_element(square_.begin(), square_.end());
}

bool PathDescent::solve(double l1, double l2, const Stop* stop) {
  now_.l1 = l1;
  half_l1_ = l1 / 2;
  l2_ = l2;
  extrapolate();
  admit(half_l1_);
  double least = std::numeric_limits<double>::infinity();
  for (int idle = 0; idle < kIdle; ++idle) {
    if (stop != nullptr && *stop && (*stop)()) return false;
    if (!descend()) solve_active();
    find_h();
    const double gap = find_gap();
    gap_ = gap + noise();
    if (admit(half_l1_)) {
      idle = 0;
    } else if (gap <= least_gap()) {
      break;
    }
    if (gap < least / 2) {
      least = gap;
      idle = 0;
    }
  }
  for (std::size_t i = 0; i < v_.size(); ++i) {
    v_[static_cast<std::size_t>(set_.column(static_cast<std::int64_t>(i)))] = now_.u[i];
  }
  remember();
  return true;
}

std::int64_t PathDescent::count() const {
  return std::count_if(v_.begin(), v_.end(), [](double v) { return v != 0; });
}

// While the same coefficients are at work, they move along a line in l1, and so does c − Av. One that comes to 0 stays
// there.
void PathDescent::extrapolate() {
  if (last_.l1 == before_.l1) return;
  const double far = (now_.l1 - last_.l1) / (last_.l1 - before_.l1);
  if (!(std::fabs(far) <= kFar)) return;
  Vector beyond(static_cast<std::size_t>(set_.size()));
  for (std::size_t i = 0; i < beyond.size(); ++i) {
    const double to = last_.u[i] + far * (last_.u[i] - before_.u[i]);
    now_.u[i] = same_sign(to, last_.u[i]) ? to : 0;
    beyond[i] = to - now_.u[i];
  }
  for (std::size_t k = 0; k < c_.size(); ++k) now_.h[k] = last_.h[k] + far * (last_.h[k] - before_.h[k]);
  add_rows(beyond);
}

void PathDescent::remember() {
  std::swap(before_, last_);
  last_ = now_;
}

// h += Σ factorᵢ · row i
void PathDescent::add_rows(const Vector& factors) {
  Vector kept;
  rows_.clear();
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] == 0) continue;
    kept.push_back(factors[i]);
    rows_.push_back(set_.row(static_cast<std::int64_t>(i)));
  }
  row_kernels().add(kept.data(), rows_.data(), static_cast<std::int64_t>(kept.size()), set_.d(), now_.h.data());
}

// Until nothing moves that would show in the gap; false if that takes too long.
bool PathDescent::descend() {
  const std::int64_t most = std::max(kSweeps, set_.size() / kSweepsOf);
  start_sweeps();
  for (std::int64_t k = 0; k < most; ++k) {
    steepest_ = 0;
    k % 2 == 0 ? sweep_forward() : sweep_backward();
    // The dual point is scaled by as much as a derivative exceeds the threshold.
    if (2 * steepest_ * sum_of_sizes() <= least_gap() * at_zero_) return true;
    if (k % 2 == 1) leap();
  }
  return false;
}

double PathDescent::sum_of_sizes() const {
  return lane_sum(set_.size(), [u = now_.u.data()](std::int64_t i) { return std::fabs(u[i]); });
}

// What roundings of h may have put a gap wrong by: a derivative beyond the threshold scales the dual point.
double PathDescent::noise() const {
  if (at_zero_ == 0) return 0;
  const auto length = [u = now_.u.data(), of = length_.data()](std::int64_t i) { return std::fabs(u[i]) * of[i]; };
  const double lengths = lane_sum(std::ssize(length_), length);
  return 2 * kNoise * std::sqrt(largest_square_) * lengths * sum_of_sizes() / at_zero_;
}

// What can be asked for.
double PathDescent::least_gap() const { return std::max(kGap, noise()); }

// Where the same coefficients stay at work, they are the solution of a linear system. On the way there the objective falls:
// the first that comes to 0 stays there, and the others go on.
void PathDescent::solve_active() {
  std::vector<std::int64_t> at_work;
  for (std::int64_t i = 0; i < set_.size(); ++i) {
    if (now_.u[static_cast<std::size_t>(i)] != 0) at_work.push_back(i);
  }
  while (!at_work.empty()) {
    const auto [way, end] = way_down(at_work);
    double share = end;
    std::size_t first = way.size();
    for (std::size_t i = 0; i < way.size(); ++i) {
      const double to_zero = -now_.u[static_cast<std::size_t>(at_work[i])] / way[i];
      if (to_zero > 0 && to_zero < share) {
        share = to_zero;
        first = i;
      }
    }
    if (!std::isfinite(share)) return;
    for (std::size_t i = 0; i < way.size(); ++i) now_.u[static_cast<std::size_t>(at_work[i])] += share * way[i];
    if (first == way.size()) return;
    now_.u[static_cast<std::size_t>(at_work[first])] = 0;
    std::erase_if(at_work, [this](std::int64_t i) { return now_.u[static_cast<std::size_t>(i)] == 0; });
  }
}

// From the coefficients of these places to where the objective is least, their signs given: one time the way.
// Where columns depend on one another, a way on which the loss is the same and Σ|v| falls, which has no end.
PathDescent::Way PathDescent::way_down(const std::vector<std::int64_t>& at_work) const {
  const auto count = static_cast<std::int64_t>(at_work.size());
  Vector a(static_cast<std::size_t>(count * count)), x(at_work.size()), way(at_work.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t p = at_work[static_cast<std::size_t>(i)];
    for (std::int64_t k = 0; k <= i; ++k) {
      a[static_cast<std::size_t>(i * count + k)] = set_.row(p)[at_work[static_cast<std::size_t>(k)]];
    }
    a[static_cast<std::size_t>(i * count + i)] += l2_;
    const auto at = static_cast<std::size_t>(p);
    x[static_cast<std::size_t>(i)] = c_[at] - std::copysign(half_l1_, now_.u[at]);
  }
  const auto u = [&](std::size_t i) { return now_.u[static_cast<std::size_t>(at_work[i])]; };
  const Cholesky factors(a.data(), count);
  if (factors.has_full_rank()) {
    factors.solve(x.data(), way.data());
    for (std::size_t i = 0; i < way.size(); ++i) way[i] -= u(i);
    return {way, 1};
  }
  const Vector nothing = factors.null_vectors();
  double slope = 0;
  for (std::size_t i = 0; i < way.size(); ++i) {
    way[i] = factors.scale(static_cast<std::int64_t>(i)) * nothing[i];
    slope += std::copysign(way[i], u(i) * way[i]);
  }
  if (slope > 0) {
    for (double& part : way) part = -part;
  }
  return {way, std::numeric_limits<double>::infinity()};
}

// Afresh: moves add their roundings to what they are kept in.
void PathDescent::find_h() {
  now_.h = c_;
  Vector factors;
  for (std::int64_t i = 0; i < set_.size(); ++i) factors.push_back(-now_.u[static_cast<std::size_t>(i)]);
  add_rows(factors);
}

// Takes in the columns along which the objective falls. False if there are none.
bool PathDescent::admit(double threshold) {
  std::vector<std::int64_t> places;
  for (std::int64_t i = set_.size(); i < set_.d(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (!(square_[at] > 0)) continue;
    if (std::fabs(now_.h[at]) > threshold + kSlack * std::sqrt(square_[at] * at_zero_)) places.push_back(i);
  }
  if (places.empty()) return false;
  const auto all_by_place = {&c_, &square_, &now_.u, &now_.h, &last_.u, &last_.h, &before_.u, &before_.h};
  for (const auto& [from, to] : set_.take_in(places)) {
    for (Vector* const values : all_by_place) {
      std::swap((*values)[static_cast<std::size_t>(from)], (*values)[static_cast<std::size_t>(to)]);
    }
  }
  return true;
}

// By the dual at the residual of v, as `dual` takes it, with √l2·v beside it.
double PathDescent::find_gap() const {
  if (at_zero_ == 0) return 0;
  double steepest = 0, cv = 0, hv = 0, sizes = 0;
  for (std::size_t i = 0; i < c_.size(); ++i) {
    const double u = now_.u[i], h = now_.h[i] - l2_ * u;
    steepest = std::max(steepest, std::fabs(h));
    cv += c_[i] * u;
    hv += h * u;
    sizes += std::fabs(u);
  }
  const double with_y = at_zero_ - cv, squares = with_y - hv, l1 = 2 * half_l1_;
  const double most = steepest > 0 ? l1 / (2 * steepest) : std::numeric_limits<double>::infinity();
  const double alpha = squares > 0 ? std::clamp(with_y / squares, -most, most) : 0;
  return std::max(squares + l1 * sizes - alpha * (2 * with_y - alpha * squares), 0.0) / at_zero_;
}

}  // namespace gdfast
