// Conjugate gradients (Hestenes and Stiefel 1952): each step goes to the least objective along a direction that leaves
// what the steps before have gained, so that d + 1 passes reach the optimum in exact arithmetic. A pass is a product of
// the Hessian with the direction, whatever the sums it is taken from; float64 throughout.
//
// Gradients are orthogonal to one another until rounding has its way, and then the same ground is gone over again: on a
// hundred columns of condition 10⁴ that takes 2.5 times the passes. So each is made orthogonal to all before it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace gdfast {

class ConjugateGradients {
 public:
  // eps: of the numbers in which the Hessian's products are taken.
  ConjugateGradients(std::vector<double> start, double eps)
      : parameters_(std::move(start)), gradient_(parameters_.size()), direction_(parameters_.size()), eps_(eps) {}

  const std::vector<double>& parameters() const { return parameters_; }
  // At the start of the next pass, as far as it is known without one.
  double objective() const { return objective_ * unit_; }
  // Whether the next pass has to take objective and gradient afresh: in the first pass, now and then to be rid of what
  // roundings have added up to, where little is left of the objective, and once more before it is said that nothing is
  // left to gain.
  bool needs_gradient() const { return restarts() || steps_since_ >= afresh_; }
  // Nothing was left to gain twice in a row, the second time against a gradient taken afresh.
  bool arrived() const { return arrived_; }
  // Whether the pass before the last one led anywhere: one that takes objective and gradient afresh moves nothing, so that
  // the next finds the same objective.
  bool had_moved() const { return had_moved_; }

  // Given both. The direction is kept if nothing is wrong with it: nothing was stepped since it was chosen.
  void start(double objective, std::vector<double> gradient) {
    had_moved_ = std::exchange(moves_, false);
    bool restarted = restarts();
    if (steps_since_ < 0) unit_ = unit_of(gradient);
    objective /= unit_;
    for (double& value : gradient) value /= unit_;
    if (steps_since_ < 0 || is_better(objective, gradient)) {
      best_ = parameters_;
      best_gradient_ = gradient;
      best_objective_ = std::min(objective, best_objective_);
      went_back_ = false;
      arrived_ = squares(gradient) == 0;
    } else {
      go_back();
      restarted = true;
    }
    gradient_ = best_gradient_;
    if (restarted) {
      for (std::size_t j = 0; j < direction_.size(); ++j) direction_[j] = -gradient_[j];
      before_.clear();
    }
    objective_ = std::min(best_objective_, reported_);  // a step doesn't raise it: by how much it seems to is rounding
    reported_ = objective_;
    steep_ = restarted;
    stalled_ = false;
    steps_since_ = 0;
    keep();
  }

  // The direction, scaled to a largest element of 1: products of float32 then neither overflow nor vanish.
  std::vector<double> unit_direction() {
    size_ = 0;
    for (const double value : direction_) size_ = std::max(size_, std::fabs(value));
    std::vector<double> unit = direction_;
    if (size_ > 0) {
      for (double& value : unit) value /= size_;
    }
    return unit;
  }

  // Given the Hessian times that.
  void step(std::vector<double> image) {
    for (double& value : image) value /= unit_;
    had_moved_ = std::exchange(moves_, false);
    reported_ = objective_;
    double along = 0, curvature = 0;
    for (std::size_t j = 0; j < image.size(); ++j) {
      along += gradient_[j] * direction_[j];
      curvature += direction_[j] * image[j] * size_;
    }
    const double length = -along / curvature;
    const double gain = -along * length / 2;
    const double squared = squares(direction_);
    steepest_ = std::max(steepest_, curvature / squared);
    // Where columns depend on one another there are directions without curvature, along which rounding would step far.
    const bool flat = !(curvature > 64 * eps_ * steepest_ * squared);
    // The gradient of float32 is rounded, and that leaves nothing smaller to gain.
    if (flat || !(length > 0) || gain <= std::max(kNothing, eps_ * eps_) * objective_) {
      // Along a direction turned by rounding there may be nothing left where there is along the gradient.
      arrived_ = steep_;
      stalled_ = true;
      return;
    }
    steep_ = false;
    const std::vector<double> before = gradient_;
    for (std::size_t j = 0; j < image.size(); ++j) {
      parameters_[j] += length * direction_[j];
      gradient_[j] += length * size_ * image[j];
    }
    if (gain > objective_) {
      stalled_ = true;  // more than there is: the direction or its curvature is rounding
    } else {
      objective_ -= gain;
    }
    moves_ = true;
    ++steps_since_;
    make_orthogonal();
    keep();
    turn(before);
  }

 private:
  static constexpr std::size_t kKept = (2 << 20) / sizeof(double);  // numbers in before_, at most
  // A share of the objective that isn't worth a pass: it moves coefficients by 1e-10 of them.
  static constexpr double kNothing = 1e-20;

  // Objectives and their derivatives are in this unit here, so that no square of them is too large or too small whatever
  // the weights and y are. It is a power of two, which rounds nothing.
  double unit_ = 1;
  std::vector<double> parameters_, gradient_, direction_;
  std::vector<double> before_;  // gradients of length 1, one after the other
  double objective_ = std::numeric_limits<double>::infinity(), size_ = 1;
  double reported_ = std::numeric_limits<double>::infinity();  // the objective at the start of the last pass
  double eps_, steepest_ = 0;                                  // the largest curvature seen, of a direction of length 1
  // Of all times that they were taken afresh: the parameters that were best, and the least objective.
  std::vector<double> best_, best_gradient_;
  double best_objective_ = std::numeric_limits<double>::infinity();
  int steps_since_ = -1;  // the gradient was taken afresh
  int afresh_ = 200;      // after so many steps it is again
  bool steep_ = false;    // the direction is against a gradient taken afresh
  bool stalled_ = false, arrived_ = false, went_back_ = false;
  bool moves_ = false, had_moved_ = false;  // in the last pass, and in that before it

  // Whether the next direction is against the gradient, whatever was stepped before.
  bool restarts() const { return steps_since_ < 0 || stalled_ || has_fallen(); }

  // What is left of a much larger objective, once so much was subtracted from it, is mostly its rounding.
  bool has_fallen() const { return steps_since_ > 0 && objective_ < std::sqrt(eps_) * best_objective_; }

  // Than the best so far. An objective that is hardly higher may be so by rounding, which gradients have less of.
  bool is_better(double objective, const std::vector<double>& gradient) const {
    const double about = best_objective_ * (1 + std::sqrt(eps_));
    return objective < best_objective_ || (objective <= about && 4 * squares(gradient) < squares(best_gradient_));
  }

  // Steps that led nowhere were along roundings: fewer are made before the next look, and the second time none.
  void go_back() {
    arrived_ = went_back_;
    went_back_ = true;
    afresh_ = std::max(afresh_ / 10, 2);
    parameters_ = best_;
  }

  // Gradients begin with a largest element of 1 to 2.
  static double unit_of(const std::vector<double>& gradient) {
    double largest = 0;
    for (const double value : gradient) largest = std::max(largest, std::fabs(value));
    return largest > 0 && std::isfinite(largest) ? std::ldexp(1.0, std::ilogb(largest)) : 1;
  }

  static double squares(const std::vector<double>& g) {
    double sum = 0;
    for (const double value : g) sum += value * value;
    return sum;
  }

  void make_orthogonal() {
    const std::size_t size = gradient_.size();
    for (const double* unit = before_.data(); unit != before_.data() + before_.size(); unit += size) {
      double part = 0;
      for (std::size_t j = 0; j < size; ++j) part += unit[j] * gradient_[j];
      for (std::size_t j = 0; j < size; ++j) gradient_[j] -= part * unit[j];
    }
  }

  void keep() {
    const double length = std::sqrt(squares(gradient_));
    if (!(length > 0) || before_.size() + gradient_.size() > kKept) return;
    for (const double value : gradient_) before_.push_back(value / length);
  }

  // Polak's and Ribière's formula, which turns back to the gradient where roundings have spoilt the direction.
  void turn(const std::vector<double>& before) {
    double changed = 0;
    for (std::size_t j = 0; j < gradient_.size(); ++j) changed += gradient_[j] * (gradient_[j] - before[j]);
    const double beta = std::max(changed / squares(before), 0.0);
    for (std::size_t j = 0; j < gradient_.size(); ++j) direction_[j] = beta * direction_[j] - gradient_[j];
  }
};

}  // namespace gdfast
