// An objective in the coordinates of standardised columns: its derivatives follow by the chain rule.
#pragma once

#include <vector>

#include "objective.hpp"
#include "standardization.hpp"

namespace gdfast {

class StandardizedObjective : public Objective {
 public:
  StandardizedObjective(Objective& inner, const Standardization& columns, std::int64_t d)
      : inner_(inner), columns_(columns), w_(static_cast<std::size_t>(d)) {}

  bool evaluate(const double* v, double c, double* grad, Loss& loss) override {
    const double b = columns_.to_original(v, c, d(), w_.data());
    if (!inner_.evaluate(w_.data(), b, grad, loss)) return false;
    chain(grad, loss.grad_b);
    return true;
  }

  bool product(const double* v, double c, double* out, double& out_c) override {
    const double b = columns_.to_original(v, c, d(), w_.data());
    if (!inner_.product(w_.data(), b, out, out_c)) return false;
    chain(out, out_c);
    return true;
  }

  const char* form() const override { return inner_.form(); }

 private:
  Objective& inner_;
  Standardization columns_;
  std::vector<double> w_;

  std::int64_t d() const { return static_cast<std::int64_t>(w_.size()); }

  // A constant column's derivative is 0, exactly: it is none but rounding's.
  void chain(double* grad, double grad_b) const {
    for (std::int64_t j = 0; j < d(); ++j) {
      grad[j] = columns_.scale[j] == 0 ? 0 : (grad[j] - columns_.shift[j] * grad_b) / columns_.scale[j];
    }
  }
};

}  // namespace gdfast
