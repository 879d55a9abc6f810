#include "losses.hpp"

#include <algorithm>
#include <vector>

#include "dot.hpp"
#include "engine/dispatch.hpp"

namespace gdfast {
namespace {

// Part of a matrix that stays in L1, of 32 KiB or more, while all models are taken to it.
constexpr std::int64_t kRows = 8, kColumns = 448;

// Rows [first, end) of a matrix, of which the upper triangle is read.
struct Rows {
  const Gram& gram;
  std::int64_t first, end;

  const double* from(std::int64_t j, std::int64_t k) const { return gram.matrix + j * (gram.d + 2) + k; }
  bool concern(const double* w) const {
    return std::any_of(w + first, w + end, [](double value) { return value != 0; });
  }

  // wᵀGw of the square on the diagonal.
  double square(const double* w) const {
    double sum = 0;
    for (std::int64_t j = first; j < end; ++j) {
      double behind = 0;
      for (std::int64_t k = j + 1; k < end; ++k) behind += *from(j, k) * w[k];
      sum += w[j] * (*from(j, j) * w[j] + 2 * behind);
    }
    return sum;
  }

  // And of so many columns behind it, with their mirror image.
  double behind(const double* w, std::int64_t column, std::int64_t columns) const {
    const double* rows[kRows];
    double products[kRows];
    for (std::int64_t j = first; j < end; ++j) rows[j - first] = from(j, column);
    row_kernels().dot(rows, end - first, w + column, columns, products);
    double sum = 0;
    for (std::int64_t j = first; j < end; ++j) sum += w[j] * products[j - first];
    return 2 * sum;
  }
};

// b + o·w − p: large terms may cancel.
double about_origin(const Gram& gram, const double* w, double b) {
  ExactSum sum;
  sum.add(b);
  sum.add(-gram.origin[gram.d]);
  for (std::int64_t j = 0; j < gram.d; ++j) {
    if (w[j] != 0) sum.add_product(gram.origin[j], w[j]);
  }
  return sum.value();
}

// What the columns of ones and of y add, by the coefficients (w, c, −1).
double with_others(const Gram& gram, const double* w, double c) {
  const std::int64_t d = gram.d, y = d + 1;
  double linear = 0;
  for (std::int64_t j = 0; j < d; ++j) linear += w[j] * (c * gram.at(j, d) - gram.at(j, y));
  return 2 * linear + (c * (c * gram.weight() - 2 * gram.at(d, y)) + gram.at(y, y));
}

}  // namespace

void find_losses(const Gram& gram, const double* w, const double* b, std::int64_t models, double* losses) {
  const std::int64_t d = gram.d;
  std::fill_n(losses, models, 0.0);
  for (Rows rows{gram, 0, 0}; rows.first < d; rows.first = rows.end) {
    rows.end = std::min(rows.first + kRows, d);
    for (std::int64_t m = 0; m < models; ++m) losses[m] += rows.square(w + m * d);
    for (std::int64_t column = rows.end; column < d; column += kColumns) {
      const std::int64_t columns = std::min(kColumns, d - column);
      for (std::int64_t m = 0; m < models; ++m) {
        if (rows.concern(w + m * d)) losses[m] += rows.behind(w + m * d, column, columns);
      }
    }
  }
  for (std::int64_t m = 0; m < models; ++m) {
    const double* const v = w + m * d;
    losses[m] = std::max(losses[m] + with_others(gram, v, about_origin(gram, v, b[m])), 0.0) / gram.weight();
  }
}

}  // namespace gdfast
