#include "certificate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cholesky.hpp"
#include "dot.hpp"
#include "exact.hpp"
#include "hidden_way.hpp"
#include "null_space.hpp"

namespace gdfast {
namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();

struct Point {
  std::vector<double> v;
  double off;  // of the intercept from its best
};

Point point_of(const Gram& gram, const Standardization& columns, const Quadratic& objective, const double* w,
               double b) {
  Point point{std::vector<double>(w, w + gram.d), 0};
  if (columns) columns.from_original(w, b, gram.d, point.v.data());
  if (!objective.fits_intercept()) return point;
  // The mean residual: b + o·w − p large terms that cancel, then what the means differ from the origin by.
  ExactSum residual;
  residual.add(b);
  residual.add(-gram.origin[gram.d]);
  residual.add_dot(gram.origin, w, gram.d);
  residual.add(-gram.sum(gram.d + 1) / gram.weight());
  for (std::int64_t j = 0; j < gram.d; ++j) residual.add_product(gram.sum(j) / gram.weight(), w[j]);
  point.off = residual.value();
  return point;
}

double gap_with_l1(const Quadratic& objective, const double* v, const Stop* stop) {
  const Solution best = solve(objective, v, stop);
  const double least = std::max(dual(objective, best.v.data()), dual(objective, v));
  return std::max(objective.smooth(v) + objective.penalty(v) - least, 0.0) + objective.smooth_error(v);
}

double gap_without_l1(const Gram& gram, const Standardization& columns, const Quadratic& objective, const double* v,
                      const double* h, Objective* samples) {
  const Cholesky factors(objective.a(), objective.d());
  if (samples != nullptr && !factors.has_full_rank() &&
      may_fall_along(null_way(factors, gram.d).data(), gram, columns, objective, *samples, v)) {
    return objective.smooth(v) + objective.smooth_error(v);  // no objective is below 0: no more is known
  }
  return smooth_gap(objective, factors, v, h);
}

double gradient_norm(const Quadratic& objective, const Point& point, const std::vector<double>& h) {
  const double in_b = 2 * objective.weight() * point.off;
  double squares = in_b * in_b;
  for (std::size_t j = 0; j < h.size(); ++j) {
    if (objective.a()[j * h.size() + j] == 0) continue;  // a constant column: it takes no part
    const double smooth = in_b * objective.mean(static_cast<std::int64_t>(j)) - 2 * h[j], v = point.v[j];
    const double shrunk = std::copysign(std::max(std::fabs(smooth) - objective.l1(), 0.0), smooth);
    const double grad = v == 0 ? shrunk : smooth + std::copysign(objective.l1(), v);
    squares += grad * grad;
  }
  return std::sqrt(squares);
}

}  // namespace

Certificate certify(const Gram& gram, const Standardization& columns, const Penalty& penalty, Reduction reduction,
                    bool fit_intercept, const double* w, double b, Objective* samples, const Stop* stop) {
  const Quadratic objective(gram, columns, penalty, reduction, fit_intercept);
  const Point point = point_of(gram, columns, objective, w, b);
  const double* const v = point.v.data();
  const double off = fit_intercept ? std::fabs(point.off) + objective.intercept_error(v) : 0;
  const double beside = objective.weight() * off * off, smooth = objective.smooth(v);
  std::vector<double> h(point.v.size());
  objective.descent(v, h.data());
  const double gap = beside + (objective.l1() > 0 ? gap_with_l1(objective, v, stop)
                                                  : gap_without_l1(gram, columns, objective, v, h.data(), samples));
  // Where y is the same everywhere nothing is left at w = 0: then it is a share of what y itself is.
  const double y = gram.origin[gram.d];
  const double whole = objective.at_zero() > 0 ? objective.at_zero() : objective.weight() * y * y;
  // A loss is taken with the intercept about the origin, whose terms may be large and cancel.
  double terms = std::fabs(b) + std::fabs(y);
  for (std::int64_t j = 0; j < gram.d; ++j) terms += std::fabs(gram.origin[j] * w[j]);
  const double mean = kEps * terms * std::sqrt(objective.weight());
  const double cancelled = mean * (2 * std::sqrt(smooth) + mean);
  const double loss_error = objective.smooth_error(v) + cancelled + 4 * kEps * (beside + objective.penalty(v));
  const double there = smooth + objective.penalty(v) + objective.weight() * point.off * point.off;
  return {gap == 0 ? 0 : gap / whole, there, loss_error, gradient_norm(objective, point, h)};
}

}  // namespace gdfast
