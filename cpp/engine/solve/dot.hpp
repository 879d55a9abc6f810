// A dot product as if in twice the digits of float64 (Ogita, Rump and Oishi 2005, "Dot2"): where large terms cancel, as in
// b + o·w of a model of timestamps, nothing but the result is rounded.
#pragma once

#include <cmath>
#include <cstdint>

namespace gdfast {

class ExactSum {
 public:
  void add(double value) {
    const double total = sum_ + value, part = total - sum_;
    rest_ += (sum_ - (total - part)) + (value - part);
    sum_ = total;
  }
  void add_product(double a, double b) {
    const double product = a * b;
    rest_ += std::fma(a, b, -product);
    add(product);
  }
  void add_dot(const double* a, const double* b, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) add_product(a[i], b[i]);
  }
  double value() const { return sum_ + rest_; }
  // What value() has rounded off.
  double low() const { return rest_ - (value() - sum_); }

 private:
  double sum_ = 0, rest_ = 0;
};

}  // namespace gdfast
