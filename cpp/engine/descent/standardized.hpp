// Standardised columns without a copy of them: with z = (x − μ) / σ and ŷ = z·v + c, the model in x has w = v / σ and
// b = c − Σ μ·w, and its derivatives give those in (v, c) by the chain rule.
#pragma once

#include <vector>

#include "source.hpp"

namespace gdfast {

struct Standardization {
  const double* shift = nullptr;  // μ of each column, or null: no standardisation
  const double* scale = nullptr;  // σ

  explicit operator bool() const { return shift != nullptr; }

  // (v, c) → (w, b); w may be v.
  double to_original(const double* v, double c, std::int64_t d, double* w) const {
    for (std::int64_t j = 0; j < d; ++j) {
      w[j] = v[j] / scale[j];
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

class StandardizedSource : public Source {
 public:
  StandardizedSource(Source& inner, const Standardization& columns, std::int64_t d)
      : inner_(inner), columns_(columns), w_(static_cast<std::size_t>(d)) {}

  bool evaluate(const double* v, double c, double* grad, Loss& loss) override {
    const auto d = static_cast<std::int64_t>(w_.size());
    const double b = columns_.to_original(v, c, d, w_.data());
    if (!inner_.evaluate(w_.data(), b, grad, loss)) return false;
    for (std::int64_t j = 0; j < d; ++j) grad[j] = (grad[j] - columns_.shift[j] * loss.grad_b) / columns_.scale[j];
    return true;
  }

 private:
  Source& inner_;
  Standardization columns_;
  std::vector<double> w_;
};

}  // namespace gdfast
