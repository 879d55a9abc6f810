#include "path_objective.hpp"

#include <cmath>

#include "dot.hpp"
#include "engine/mirror.hpp"

namespace gdfast {

PathObjective::PathObjective(const Gram& gram, bool fit_intercept, bool standardize, ArrayPool& arrays)
    : gram_(gram), fit_intercept_(fit_intercept), a_(arrays.lend()) {
  find_scales(standardize);
  find_products();
}

// Mean and deviation of each column. Without an intercept nothing is subtracted, and it is the root mean square.
void PathObjective::find_scales(bool standardize) {
  const double weight = gram_.weight();
  for (std::int64_t j = 0; j < gram_.d; ++j) {
    const double sum = gram_.sum(j), square = gram_.at(j, j), mean = gram_.origin[j] + sum / weight;
    // By Cauchy and Schwarz no square of a sum exceeds this but where a column is constant: that rounds to 0, not below.
    const double variance = gram_.varies(j) ? (square - sum * (sum / weight)) / weight : 0;
    shift_.push_back(fit_intercept_ ? mean : 0);
    const double size = fit_intercept_ ? variance : variance + mean * mean;
    scale_.push_back(standardize ? std::sqrt(size) : (size > 0 ? 1.0 : 0.0));
  }
}

// About the means, or about 0: G_jk + o_j·s_k + o_k·s_j + o_j·o_k·Σs, of which the first three make one where o = −s/Σs.
void PathObjective::find_products() {
  const std::int64_t d = gram_.d, size = d + 2;
  const double weight = gram_.weight();
  std::vector<double> offset, sums, factor;
  for (std::int64_t k = 0; k <= d; ++k) {
    const bool is_y = k == d;
    sums.push_back(gram_.sum(is_y ? k + 1 : k));
    offset.push_back(fit_intercept_ ? -sums.back() / weight : gram_.origin[k]);
    factor.push_back(is_y ? 1 : columns().inverse(k));
  }
  const auto at = [](const std::vector<double>& values, std::int64_t k) { return values[static_cast<std::size_t>(k)]; };
  const auto moved = [&](std::int64_t j, std::int64_t k, double product) {
    // (o_j + s_j/Σs) is 0 about the means: what is left there is G_jk − s_j·s_k/Σs.
    const double rest = fit_intercept_ ? 0 : at(offset, j) * weight + at(sums, j);
    return (product + at(offset, j) * at(sums, k) + rest * at(offset, k)) / weight;
  };
  for (std::int64_t j = 0; j < d; ++j) {
    const double* const from = gram_.matrix + j * size;
    double* const to = a_.get() + j * d;
    for (std::int64_t k = j; k < d; ++k) to[k] = moved(j, k, from[k]) * (at(factor, j) * at(factor, k));
    if (at(factor, j) == 0) to[j] = 0;
    diagonal_.push_back(to[j]);
    c_.push_back(moved(j, d, from[d + 1]) * at(factor, j));
  }
  each_below_diagonal(d, [a = a_.get(), d](std::int64_t j, std::int64_t k) { a[j * d + k] = a[k * d + j]; });
  k_ = std::fmax(moved(d, d, gram_.at(d + 1, d + 1)), 0);
}

double PathObjective::to_original(const double* v, double* w) const {
  const std::int64_t d = gram_.d;
  columns().to_original(v, 0, d, w);
  if (!fit_intercept_) return 0;
  // Large terms may cancel: the means of y and of x·w.
  ExactSum b;
  b.add(gram_.origin[d]);
  b.add(gram_.sum(d + 1) / gram_.weight());
  for (std::int64_t j = 0; j < d; ++j) {
    if (w[j] == 0) continue;
    b.add_product(-gram_.origin[j], w[j]);
    b.add_product(-gram_.sum(j) / gram_.weight(), w[j]);
  }
  return b.value();
}

}  // namespace gdfast
