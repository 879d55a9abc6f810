#include "coordinate_descent.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

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

// Taken if every coefficient keeps its sign: then no other set of zeros and signs is in question.
bool CoordinateDescent::solve_active() {
  const auto count = static_cast<std::int64_t>(active_.size());
  std::vector<double> a(static_cast<std::size_t>(count * count)), c(active_.size()), x(active_.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t j = active_[static_cast<std::size_t>(i)];
    for (std::int64_t k = 0; k < count; ++k) {
      a[static_cast<std::size_t>(i * count + k)] = objective_.a()[j * d_ + active_[static_cast<std::size_t>(k)]];
    }
    c[static_cast<std::size_t>(i)] = objective_.c()[j] - std::copysign(half_l1_, v_[j]);
  }
  const Cholesky factors(a.data(), count);
  if (!factors.has_full_rank()) return false;
  factors.solve(c.data(), x.data());
  for (std::int64_t i = 0; i < count; ++i) {
    if (x[static_cast<std::size_t>(i)] * v_[active_[static_cast<std::size_t>(i)]] <= 0) return false;
  }
  for (std::int64_t i = 0; i < count; ++i) v_[active_[static_cast<std::size_t>(i)]] = x[static_cast<std::size_t>(i)];
  return true;
}

double CoordinateDescent::gap() const { return objective_.smooth(v_) + objective_.penalty(v_) - dual(objective_, v_); }

}  // namespace gdfast
