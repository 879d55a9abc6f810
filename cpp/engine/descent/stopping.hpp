// When a descent ends before its last pass.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace gdfast {

// The loss hardly changed from one pass to the next: by no more than a share of it, even if rounding has hidden part of
// the change. So a loss that is known less exactly than that ends nothing.
class Tolerance {
 public:
  explicit Tolerance(double tol) : tol_(tol) {}

  bool is_asked() const { return tol_ >= 0; }
  // `error`: what each of the last two losses may be off by.
  bool reached(const std::vector<double>& losses, double error) const {
    const std::size_t k = losses.size();
    if (tol_ < 0 || k < 2) return false;
    return std::fabs(losses[k - 1] - losses[k - 2]) + 2 * error <= tol_ * std::fabs(losses[k - 2]);
  }

 private:
  double tol_;  // negative: no such rule
};

// The loss on other samples had no new low for some passes.
class Patience {
 public:
  explicit Patience(std::int64_t passes) : passes_(passes) {}

  // Whether `loss`, which may be off by `error`, is a new low.
  bool improves(double loss, double error) {
    const bool lower = loss + error < lowest_;
    if (lower) lowest_ = loss;
    since_ = lower ? 0 : since_ + 1;
    return lower;
  }

  bool exhausted() const { return since_ >= passes_; }

 private:
  std::int64_t passes_;
  std::int64_t since_ = 0;
  double lowest_ = std::numeric_limits<double>::infinity();
};

// Far above where it began. What it must also be far above, the loss without a model, costs a pass over the data: so it
// is found when it is first asked for. (A start at the optimum has a loss of almost nothing, which a step may well
// multiply.)
inline constexpr double kGrowth = 1e10;

}  // namespace gdfast
