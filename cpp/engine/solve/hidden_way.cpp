#include "hidden_way.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "dot.hpp"

namespace gdfast {
namespace {

// A combination of columns that is less than this many roundings of its terms is nothing in the samples either.
constexpr double kRoundings = 16;
// A fall that is a smaller share of the objective at 0 is no concern of a gap's.
constexpr double kFall = 1e-8;

// The rows' values along a way, x·way + b, with the intercept b that makes their mean 0 but for rounding.
class Along {
 public:
  Along(const Gram& gram, const Standardization& columns, const Quadratic& objective, const double* way)
      : d_(gram.d), weight_(objective.weight()), way_(way) {
    for (std::int64_t j = 0; j < d_; ++j) {
      if (objective.fits_intercept()) b_ -= objective.mean(j) * way[j];
      // The samples are rounded themselves, as numbers as far from 0 as they are.
      const double scale = columns ? columns.inverse(j) : 1, far = gram.origin[j] + gram.sum(j) / gram.weight();
      terms_ += std::fabs(way[j]) * scale * std::sqrt(gram.at(j, j) / gram.weight() + far * far);
    }
  }

  bool read(Objective& samples) {
    std::vector<double> out(static_cast<std::size_t>(d_));
    double out_b = 0;
    if (!samples.product(way_, b_, out.data(), out_b)) return false;
    mean_ = out_b / 2 / weight_;
    const double square = product_with(out.data(), out_b);
    variance_ = std::fmax(square - mean_ * mean_, 0);
    return true;
  }
  // What roundings are at most, as a share of their deviation.
  double noise() const { return kRoundings * std::numeric_limits<double>::epsilon() * terms_ / std::sqrt(variance_); }
  // By how much a loss falls along the way, whose gradient this is.
  double fall(const double* grad, double grad_b) const {
    const double together = product_with(grad, grad_b) - mean_ * (grad_b / 2 / weight_);
    return weight_ * (together * together / variance_);
  }

 private:
  std::int64_t d_;
  double weight_;
  const double* way_;
  double b_ = 0, terms_ = 0, mean_ = 0, variance_ = 0;

  // The mean of products with the values of which these are the derivatives.
  double product_with(const double* derivatives, double in_b) const {
    ExactSum sum;
    sum.add_product(b_, in_b);
    sum.add_dot(derivatives, way_, d_);
    return sum.value() / 2 / weight_;
  }
};

}  // namespace

bool may_fall_along(const double* way, const Gram& gram, const Standardization& columns, const Quadratic& objective,
                    Objective& samples, const double* v) {
  Along along(gram, columns, objective, way);
  if (!along.read(samples)) return true;
  const double noise = along.noise();
  if (!(noise < 1)) return false;
  std::vector<double> grad(static_cast<std::size_t>(objective.d()));
  Loss loss{};
  if (!samples.evaluate(v, objective.best_intercept(v), grad.data(), loss)) return true;
  const double grad_b = objective.fits_intercept() ? loss.grad_b : 0;
  return along.fall(grad.data(), grad_b) > kFall * objective.at_zero() + noise * noise * loss.loss;
}

}  // namespace gdfast
