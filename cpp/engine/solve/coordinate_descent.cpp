#include "coordinate_descent.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "cholesky.hpp"
#include "exact.hpp"

namespace gdfast {
namespace {

constexpr int kRounds = 10'000, kSweeps = 100;
// Shares of the objective at 0: a gap that is rounding, and a sweep that moves nothing.
constexpr double kRounding = 1e-14, kStill = 1e-15;

}  // namespace

CoordinateDescent::CoordinateDescent(const Quadratic& objective, double* v)
    : objective_(objective),
      d_(objective.d()),
      half_l1_(objective.l1() / 2),
      v_(v),
      rest_(static_cast<std::size_t>(d_)),
      all_(static_cast<std::size_t>(d_)) {
  std::iota(all_.begin(), all_.end(), std::int64_t{0});
  for (std::int64_t j = 0; j < d_; ++j) {
    if (!(objective.a()[j * d_ + j] > 0)) v_[j] = 0;  // a constant column
  }
}

bool CoordinateDescent::run(const Stop* stop) {
  std::vector<std::int64_t> before;
  for (int round = 0; round < kRounds; ++round) {
    if (stop != nullptr && *stop && (*stop)()) return false;
    objective_.descent(v_, rest_.data());  // afresh: sweeps add their roundings to it
    sweep(all_);
    find_active();
    for (int k = 0; k < kSweeps && sweep(active_) > kStill * objective_.at_zero(); ++k) {
    }
    find_active();
    if (active_ == before) solve_active();
    before = active_;
    if (gap() <= kRounding * objective_.at_zero()) break;
  }
  return true;
}

// The largest amount by which a coefficient's move lowered the objective.
double CoordinateDescent::sweep(const std::vector<std::int64_t>& columns) {
  double most = 0;
  for (const std::int64_t j : columns) most = std::max(most, move(j));
  return most;
}

double CoordinateDescent::move(std::int64_t j) {
  const double* const column = objective_.a() + j * d_;
  const double curvature = column[j];
  if (!(curvature > 0)) return 0;
  const double alone = rest_[static_cast<std::size_t>(j)] + curvature * v_[j];
  const double size = std::fabs(alone) - half_l1_;
  const double to = size > 0 ? std::copysign(size / curvature, alone) : 0;
  const double step = to - v_[j];
  if (step == 0) return 0;
  for (std::int64_t k = 0; k < d_; ++k) rest_[static_cast<std::size_t>(k)] -= step * column[k];
  v_[j] = to;
  return curvature * step * step;
}

void CoordinateDescent::find_active() {
  active_.clear();
  for (std::int64_t j = 0; j < d_; ++j) {
    if (v_[j] != 0) active_.push_back(j);
  }
}

// From one place to the next at which a coefficient becomes 0, down to where none does any more: each step goes to where
// the objective is least for the signs that there are. Whether it is the least of all, the next round finds out.
void CoordinateDescent::solve_active() {
  while (!active_.empty()) {
    const auto [way, end] = way_down();
    double times = end;
    std::size_t first = way.size();
    for (std::size_t i = 0; i < way.size(); ++i) {
      const double to_zero = -v_[active_[i]] / way[i];
      if (to_zero > 0 && to_zero < times) {
        times = to_zero;
        first = i;
      }
    }
    if (!std::isfinite(times)) return;
    for (std::size_t i = 0; i < way.size(); ++i) v_[active_[i]] += times * way[i];
    if (first == way.size()) return;
    v_[active_[first]] = 0;
    find_active();
  }
}

// To where the objective is least, the signs of these coefficients given: one time the way. Where columns depend on one
// another, a way on which the loss is the same and Σ|v| doesn't rise, which has no end.
CoordinateDescent::Way CoordinateDescent::way_down() const {
  const auto count = static_cast<std::int64_t>(active_.size());
  std::vector<double> a(static_cast<std::size_t>(count * count)), c(active_.size()), way(active_.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t j = active_[static_cast<std::size_t>(i)];
    for (std::int64_t k = 0; k < count; ++k) {
      a[static_cast<std::size_t>(i * count + k)] = objective_.a()[j * d_ + active_[static_cast<std::size_t>(k)]];
    }
    c[static_cast<std::size_t>(i)] = objective_.c()[j] - std::copysign(half_l1_, v_[j]);
  }
  const Cholesky factors(a.data(), count);
  if (factors.has_full_rank()) {
    factors.solve(c.data(), way.data());
    for (std::size_t i = 0; i < way.size(); ++i) way[i] -= v_[active_[i]];
    return {std::move(way), 1};
  }
  const std::vector<double> nothing = factors.null_vectors();
  double slope = 0;
  for (std::size_t i = 0; i < way.size(); ++i) {
    way[i] = factors.scale(static_cast<std::int64_t>(i)) * nothing[i];
    slope += std::copysign(1.0, v_[active_[i]]) * way[i];
  }
  if (slope > 0) std::ranges::transform(way, way.begin(), std::negate<>());
  return {std::move(way), std::numeric_limits<double>::infinity()};
}

double CoordinateDescent::gap() const { return objective_.smooth(v_) + objective_.penalty(v_) - dual(objective_, v_); }

}  // namespace gdfast
