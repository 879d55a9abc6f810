// What a descent goes down: something that has a loss, and its derivatives, at every (w, b).
#pragma once

#include "engine/least_squares.hpp"

namespace gdfast {

class Objective {
 public:
  Objective() = default;
  virtual ~Objective() = default;
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;

  // The loss at (w, b), its gradient in w into grad, and in b. False where the work was interrupted.
  virtual bool evaluate(const double* w, double b, double* grad, Loss& loss) = 0;
  // The loss's Hessian times (w, b): its derivatives if every target were 0. False likewise.
  virtual bool product(const double* w, double b, double* out, double& out_b) = 0;
  // By how much rounding may have put a loss at (w, b) wrong; 0 where that is less than anyone would stop by.
  virtual double error(const double* /*w*/, double /*b*/, double /*loss*/) const { return 0; }
  // The form of the kernel that reads samples; null where none are read.
  virtual const char* form() const { return nullptr; }
};

}  // namespace gdfast
