#include "refinement.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cholesky.hpp"

namespace gdfast {
namespace {

// Above this, moments lose four digits at most, which is not worth a read of the data.
constexpr double kSmallPivot = 1e-4;
// The estimates are rough: at least a digit should come of it.
constexpr double kWorth = 10;

}  // namespace

// Both ways round. The moments' rounding is a share eps of the columns' size about their means, and reaches the
// coefficients by the inverse of the Hessian, so by 1/pivot. That of the residuals is a share of terms that are as large
// as the data lies far from 0, but reaches them by no more than 1/√pivot; that of the sums over rows is a share of the
// residuals, and reaches them by 1/pivot again.
bool refining_pays(const Gram& gram, const Standardization& columns, const Quadratic& objective, const double* v,
                   double smallest_pivot) {
  if (!(smallest_pivot < kSmallPivot)) return false;
  const double root = std::sqrt(objective.weight());
  const auto mean = [&gram](std::int64_t k) {
    return std::fabs(gram.origin[k] + gram.sum(k == gram.d ? k + 1 : k) / gram.weight());
  };
  const auto spread = [&gram, root](std::int64_t k) { return root * std::sqrt(gram.at(k, k) / gram.weight()); };
  double terms = root * mean(gram.d), farthest = 0, size = spread(gram.d + 1);
  for (std::int64_t j = 0; j < gram.d; ++j) {
    const double square = objective.a()[j * gram.d + j];
    if (!(square > 0)) continue;
    const double scale = columns ? columns.inverse(j) : 1, far = root * mean(j) * scale;
    terms += 2 * std::fabs(v[j]) * far;  // in x·w, and in the intercept that makes up for it
    size += std::fabs(v[j]) * scale * spread(j);
    if (objective.fits_intercept()) farthest = std::max(farthest, far / std::sqrt(square));
  }
  const double of_residuals = (terms + size) * std::sqrt(smallest_pivot);
  const double of_sums = std::sqrt(objective.smooth(v)) * (1 + farthest);
  return kWorth * (of_residuals + of_sums) < size;
}

bool refine(const Quadratic& objective, Objective& samples, double* v) {
  const std::int64_t d = objective.d();
  std::vector<double> h(static_cast<std::size_t>(d)), step(h.size());
  Loss loss{};
  if (!samples.evaluate(v, objective.best_intercept(v), h.data(), loss)) return false;
  for (std::int64_t j = 0; j < d; ++j) {
    // The intercept follows the coefficients, so what is left of the gradient is that about the means.
    const double beside = objective.fits_intercept() ? objective.mean(j) * loss.grad_b : 0;
    h[static_cast<std::size_t>(j)] = -(h[static_cast<std::size_t>(j)] - beside) / 2 - objective.l2() * v[j];
  }
  Cholesky(objective.a(), d).solve(h.data(), step.data());
  for (std::int64_t j = 0; j < d; ++j) v[j] += step[static_cast<std::size_t>(j)];
  return true;
}

}  // namespace gdfast
