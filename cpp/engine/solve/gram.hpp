// The moments of samples, as all that is known of them: what is descended on, solved and certified.
#pragma once

#include <cmath>
#include <cstdint>

namespace gdfast {

// matrix = Σ s·z·zᵀ over the rows z = [x − o, 1, y − p], (d + 2)² numbers; origin = (o, p), d + 1 of them.
struct Gram {
  const double* matrix = nullptr;
  const double* origin = nullptr;
  std::int64_t d = 0;

  double at(std::int64_t j, std::int64_t k) const { return matrix[j * (d + 2) + k]; }
  double weight() const { return at(d, d); }
  // Σ s·(x_j − o_j), and for k = d + 1 that of y.
  double sum(std::int64_t k) const { return k > d ? at(d, k) : at(k, d); }
  // Whether x_k (for k = d + 1: y) is anything but constant. By Cauchy and Schwarz; as if the weights added up to 0.5 to
  // 1, since products of huge or tiny ones leave the range.
  bool varies(std::int64_t k) const {
    int e = 0;
    const double total = std::frexp(weight(), &e);
    const double part = std::ldexp(sum(k), -e);
    return std::ldexp(at(k, k), -e) * total > part * part;
  }
};

// What one element of a Gram matrix is off by at most, as a share of the geometric mean of the two diagonal elements it
// belongs to: chains of 128 or 256 fused additions and the sums of their ends, whose roundings are of either sign.
inline constexpr double kGramError = 16 * 2.220446049250313e-16;

}  // namespace gdfast
