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

void normalise(double* n, std::int64_t d) {
  const double length = std::sqrt(dot(n, n, d));
  for (std::int64_t j = 0; j < d; ++j) n[j] /= length;
}

// From scaled columns to those of v.
void unscale(const Cholesky& factors, double* n, std::int64_t d) {
  for (std::int64_t j = 0; j < d; ++j) n[j] *= factors.scale(j);
}

}  // namespace

void shorten(const Cholesky& factors, std::vector<double> null_vectors, double* v, std::int64_t d) {
  double *const first = null_vectors.data(), *const end = first + null_vectors.size();
  for (double* n = first; n != end; n += d) {
    unscale(factors, n, d);
    for (int twice = 0; twice < 2; ++twice) {  // the second time for what rounding left
      for (const double* before = first; before != n; before += d) subtract(n, before, d);
      normalise(n, d);
    }
  }
  for (const double* n = first; n != end; n += d) subtract(v, n, d);
}

// Each with a factor of its own between 1 and 2, so that what rows have of two won't cancel.
std::vector<double> null_way(const Cholesky& factors, std::int64_t d) {
  constexpr double kGoldenRatio = 0.6180339887498949;
  std::vector<double> null_vectors = factors.null_vectors(), way(static_cast<std::size_t>(d));
  double factor = 1;
  for (double *n = null_vectors.data(), *const end = n + null_vectors.size(); n != end; n += d) {
    unscale(factors, n, d);
    normalise(n, d);
    for (std::int64_t j = 0; j < d; ++j) way[static_cast<std::size_t>(j)] += factor * n[j];
    factor = 1 + std::fmod(factor + kGoldenRatio, 1);
  }
  return way;
}

}  // namespace gdfast
