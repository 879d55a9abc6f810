#include "null_space.hpp"

#include <cmath>

namespace gdfast {
namespace {

double dot(const double* p, const double* q, std::int64_t d) {
  double sum = 0;
  for (std::int64_t j = 0; j < d; ++j) sum += p[j] * q[j];
  return sum;
}

// The part along a direction of length 1.
void subtract(double* from, const double* direction, std::int64_t d) {
  const double part = dot(from, direction, d);
  for (std::int64_t j = 0; j < d; ++j) from[j] -= part * direction[j];
}

}  // namespace

std::vector<double> null_directions(const Cholesky& factors, std::int64_t d) {
  std::vector<double> all = factors.null_vectors();
  for (auto n = all.begin(); n != all.end(); n += d) {
    for (std::int64_t j = 0; j < d; ++j) n[j] *= factors.scale(j);
    for (int twice = 0; twice < 2; ++twice) {  // the second time for what rounding left
      for (auto before = all.begin(); before != n; before += d) subtract(&*n, &*before, d);
      const double length = std::sqrt(dot(&*n, &*n, d));
      for (std::int64_t j = 0; j < d; ++j) n[j] /= length;
    }
  }
  return all;
}

std::vector<double> sum_of_directions(const std::vector<double>& directions, std::int64_t d) {
  constexpr double kGoldenRatio = 0.6180339887498949;
  std::vector<double> sum(static_cast<std::size_t>(d));
  double factor = 1;
  for (auto n = directions.begin(); n != directions.end(); n += d) {
    for (std::int64_t j = 0; j < d; ++j) sum[static_cast<std::size_t>(j)] += factor * n[j];
    factor = 1 + std::fmod(factor + kGoldenRatio, 1);
  }
  return sum;
}

void shorten(const std::vector<double>& directions, double* v, std::int64_t d) {
  for (auto n = directions.begin(); n != directions.end(); n += d) subtract(v, &*n, d);
}

}  // namespace gdfast
