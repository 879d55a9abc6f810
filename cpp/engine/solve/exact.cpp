#include "exact.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cholesky.hpp"
#include "coordinate_descent.hpp"
#include "null_space.hpp"

namespace gdfast {
namespace {

constexpr int kRefinements = 3;
constexpr double kInvolved = 1e-6;  // the share of a combination's largest term below which a column has no part in it

std::vector<std::vector<std::int64_t>> columns_of(const std::vector<double>& null_vectors, std::int64_t d) {
  std::vector<std::vector<std::int64_t>> all;
  for (auto n = null_vectors.begin(); n != null_vectors.end(); n += d) {
    std::vector<std::int64_t> involved;
    double largest = 0;
    for (std::int64_t j = 0; j < d; ++j) largest = std::max(largest, std::fabs(n[j]));
    for (std::int64_t j = 0; j < d; ++j) {
      if (std::fabs(n[j]) > kInvolved * largest) involved.push_back(j);
    }
    all.push_back(std::move(involved));
  }
  return all;
}

std::vector<double> descent(const Quadratic& objective, const std::vector<double>& v) {
  std::vector<double> h(v.size());
  objective.descent(v.data(), h.data());
  return h;
}

// Solved again for what is left: the factors' own rounding goes, that of the moments stays. Each time gains 16 digits, less
// those that the smallest pivot costs. Gives what is left in the end.
std::vector<double> solve_again(const Quadratic& objective, const Cholesky& factors, std::vector<double>& v) {
  std::vector<double> rest = descent(objective, v), step(v.size());
  for (int again = 0; again < kRefinements; ++again) {
    factors.solve(rest.data(), step.data());
    bool moves = false;
    for (std::size_t j = 0; j < v.size(); ++j) {
      const double to = v[j] + step[j];
      moves = moves || to != v[j];
      v[j] = to;
    }
    if (!moves) break;
    objective.descent(v.data(), rest.data());
  }
  return rest;
}

Solution solve_smooth(const Quadratic& objective) {
  const std::int64_t d = objective.d();
  Solution solution;
  solution.v.resize(static_cast<std::size_t>(d));
  const Cholesky factors(objective.a(), d);
  solution.smallest_pivot = factors.smallest_pivot();
  factors.solve(objective.c(), solution.v.data());
  const std::vector<double> rest = solve_again(objective, factors, solution.v);
  if (factors.has_full_rank()) {
    solution.gap = smooth_gap(objective, factors, solution.v.data(), rest.data());
    return solution;
  }
  std::vector<double> null_vectors = factors.null_vectors();
  solution.dependent = columns_of(null_vectors, d);
  shorten(factors, std::move(null_vectors), solution.v.data(), d);
  solution.gap = smooth_gap(objective, factors, solution.v.data(), descent(objective, solution.v).data());
  return solution;
}

}  // namespace

Solution solve(const Quadratic& objective, const double* start, const Stop* stop) {
  if (objective.l1() == 0) return solve_smooth(objective);
  Solution solution;
  solution.v.assign(start, start + objective.d());
  solution.interrupted = !CoordinateDescent(objective, solution.v.data()).run(stop);
  return solution;
}

// ¼ gᵀA⁻¹g is what a quadratic lies above its least value where its gradient is g = 2h. The error of h may add to it, by
// no more than its length in a matrix whose smallest eigenvalue is about the smallest pivot. Along a way that the matrix
// hides in its roundings nothing is known but that no objective is below 0.
double smooth_gap(const Quadratic& objective, const Cholesky& factors, const double* v, const double* h) {
  double errors = 0;
  for (std::int64_t j = 0; j < objective.d(); ++j) {
    const double error = factors.scale(j) * objective.descent_error(v, j);
    errors += error * error;
  }
  const double length = factors.length(h) + std::sqrt(errors / factors.smallest_pivot());
  // The least objective isn't below 0.
  const double all = objective.smooth(v) + objective.smooth_error(v);
  return factors.is_doubtful() ? all : std::min(length * length, all);
}

// With the residual r of the coefficients (and √l2·v beside it), u = 2αr is a point of the dual where |2αXᵀr| ≤ l1.
double dual(const Quadratic& objective, const double* v) {
  const auto d = static_cast<std::size_t>(objective.d());
  std::vector<double> h(d);
  objective.descent(v, h.data());
  double steepest = 0, cv = 0;
  for (std::size_t j = 0; j < d; ++j) {
    steepest = std::max(steepest, std::fabs(h[j]));
    cv += objective.c()[j] * v[j];
  }
  const double squares = objective.smooth(v), with_y = objective.at_zero() - cv;
  const double most = steepest > 0 ? objective.l1() / (2 * steepest) : std::numeric_limits<double>::infinity();
  const double alpha = squares > 0 ? std::clamp(with_y / squares, -most, most) : 0;
  return alpha * (2 * with_y - alpha * squares);
}

}  // namespace gdfast
