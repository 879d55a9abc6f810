// The loss of samples of which only the moments are kept: no sample is read again.
#pragma once

#include <vector>

#include "source.hpp"

namespace gdfast {

class MomentsSource : public Source {
 public:
  // gram = Σ s·z·zᵀ over the rows z = [x, 1, y], (d + 2)² numbers, which must outlive this.
  MomentsSource(const double* gram, std::int64_t d, Reduction reduction);

  bool evaluate(const double* w, double b, double* grad, Loss& loss) override;

 private:
  bool evaluate_one_column(double w, double b, double& grad, Loss& loss) const;
  void multiply();

  const double* gram_;
  std::int64_t size_;
  double scale_;
  std::vector<double> v_;  // [w, b, −1]: a row's residual is z·v
  std::vector<double> product_;
};

}  // namespace gdfast
