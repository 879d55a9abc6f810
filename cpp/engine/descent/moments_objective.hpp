// The loss of samples of which only the moments are kept: no sample is read again.
#pragma once

#include <vector>

#include "engine/solve/gram.hpp"
#include "objective.hpp"
#include "standardization.hpp"

namespace gdfast {

class MomentsObjective : public Objective {
 public:
  // In the coordinates of standardised columns, where there are any. The gram must outlive this.
  MomentsObjective(const Gram& gram, const Standardization& columns, Reduction reduction);

  bool evaluate(const double* w, double b, double* grad, Loss& loss) override;
  bool product(const double* w, double b, double* out, double& out_b) override;
  double error(const double* w, double b, double loss) const override;

 private:
  bool evaluate_one_column(double w, double b, double& grad, Loss& loss) const;
  void move(const Gram& gram, std::int64_t k, double offset, double factor);
  double about_origin(const double* w, double b) const;
  void multiply();
  void hand_out(double* grad, double& grad_b) const;

  std::int64_t size_;
  double scale_;
  std::vector<double> matrix_;  // of z = [x − o, 1, y − p]
  std::vector<double> origin_;  // o and p; no o where it is 0
  std::vector<double> v_;       // [w, b + o·w − p, −1]: a row's residual is z·v
  std::vector<double> product_;
};

}  // namespace gdfast
