// Standardised columns without a copy of them: with z = (x − μ) / σ and ŷ = z·v + c, the model in x has w = v / σ and
// b = c − Σ μ·w. A column that is the same everywhere has σ = 0: its coefficient is 0, and stays so.
#pragma once

#include <cstdint>

namespace gdfast {

struct Standardization {
  const double* shift = nullptr;  // μ of each column, or null: no standardisation
  const double* scale = nullptr;  // σ

  explicit operator bool() const { return shift != nullptr; }

  double inverse(std::int64_t j) const { return scale[j] == 0 ? 0 : 1 / scale[j]; }

  // (v, c) → (w, b); w may be v.
  double to_original(const double* v, double c, std::int64_t d, double* w) const {
    for (std::int64_t j = 0; j < d; ++j) {
      w[j] = scale[j] == 0 ? 0 : v[j] / scale[j];
      c -= shift[j] * w[j];
    }
    return c;
  }

  // (w, b) → (v, c); v may be w.
  double from_original(const double* w, double b, std::int64_t d, double* v) const {
    for (std::int64_t j = 0; j < d; ++j) {
      b += shift[j] * w[j];
      v[j] = w[j] * scale[j];
    }
    return b;
  }
};

}  // namespace gdfast
