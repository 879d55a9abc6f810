// Loops that compilers turn into SIMD of any width without changing an order of additions.
#pragma once

#include <cstdint>

namespace gdfast {

// Σ term(i) of n terms: eight sums side by side, added in order.
template <class Term>
double lane_sum(std::int64_t n, Term term) {
  constexpr std::int64_t kLanes = 8;
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  for (; i < n; ++i) sum += term(i);
  return sum;
}

inline double lane_dot(const double* a, const double* b, std::int64_t n) {
  return lane_sum(n, [a, b](std::int64_t i) { return a[i] * b[i]; });
}

// to += factor·from
inline void add_multiple(double factor, const double* from, std::int64_t n, double* to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += factor * from[i];
}

}  // namespace gdfast
