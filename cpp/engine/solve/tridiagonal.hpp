// A symmetric matrix brought to tridiagonal form by Householder's reflections, A = QTQᵀ: then (A + λI)x = c takes O(d)
// for T and a product with Q and Qᵀ, for as many λ as there are.
#pragma once

#include <cstdint>
#include <vector>

namespace gdfast {

class Tridiagonal {
 public:
  Tridiagonal(const double* a, std::int64_t d);

  // Sets λ. False if A + λI isn't positive definite in the numbers there are.
  bool shift(double lambda);
  // x with (A + λI)x = c; x may be c.
  void solve(const double* c, double* x) const;
  // Of (A + λI)⁻¹.
  double trace_of_inverse() const;

 private:
  std::int64_t d_;
  std::vector<double> reflections_;  // row k: u of H = I − uuᵀ, from its element k + 1
  std::vector<double> diagonal_, beside_;
  double lambda_ = 0;
  std::vector<double> pivots_;

  void reduce(std::vector<double> a);
  void reflect(std::int64_t k, double* x) const;
};

}  // namespace gdfast
