// Cholesky's factors RᵀR of a symmetric positive semidefinite matrix, its diagonal scaled to 1, the largest pivot first:
// what is left when the pivots are no more than rounding are columns that depend on those before.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace gdfast {

class Cholesky {
 public:
  // a is d × d, of which the lower triangle is read. Columns whose diagonal is 0 are left out of everything.
  Cholesky(const double* a, std::int64_t d);

  std::int64_t rank() const { return rank_; }
  bool has_full_rank() const { return rank_ == used_; }
  // The smallest pivot that was kept: the share of a column that the others don't explain.
  double smallest_pivot() const { return smallest_; }
  // Whether what is left of a column that was taken to depend on others is more than roundings usually leave, so that it
  // may be a way of its own, which the matrix doesn't tell.
  bool is_doubtful() const { return left_ > kUsual * nothing(); }

  // x with A x = rhs; 0 for columns that depend on others.
  void solve(const double* rhs, double* x) const;
  // √(gᵀ A⁺ g)
  double length(const double* g) const;
  // Vectors n with A n = 0, one for each column that depends on others, as rows of d numbers: n is 1 there, in columns
  // scaled as the matrix was.
  std::vector<double> null_vectors() const;
  // From a vector in scaled columns to one in those of A.
  double scale(std::int64_t j) const { return scale_[static_cast<std::size_t>(j)]; }

 private:
  std::int64_t d_, used_ = 0, rank_ = 0;
  double smallest_ = 1, left_ = 0;
  std::vector<double> r_;            // used_ × used_, of which the upper triangle counts; in the order of the pivots
  std::vector<std::int64_t> order_;  // column of each row of r_
  std::vector<double> scale_;        // 1/√a_jj, or 0

  double* row(std::int64_t i) { return r_.data() + i * used_; }
  const double* row(std::int64_t i) const { return r_.data() + i * used_; }
  // What is left of a column that depends on others is the rounding of the matrix's elements, of which the factors add up d:
  // below this it can't be told from nothing. Roundings are of either sign, and usually leave a small share of it.
  double nothing() const { return 32 * std::numeric_limits<double>::epsilon() * static_cast<double>(used_ + 4); }
  static constexpr double kUsual = 1.0 / 8;

  void factor();
  void swap(std::int64_t k, std::int64_t p, std::vector<double>& diagonal);
  void subtract(std::int64_t first, std::int64_t end, std::int64_t i);
  void forward(const double* g, double* t) const;
  void backward(double* t) const;
};

}  // namespace gdfast
