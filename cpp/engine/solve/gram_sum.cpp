#include "gram_sum.hpp"

#include <cmath>
#include <utility>

namespace gdfast {
namespace {

struct Column {
  double mean, squares;  // squares about the mean
};

// Column k of [x, y]; its place in the matrix is beyond the column of ones for y.
std::int64_t place(const Gram& gram, std::int64_t k) { return k == gram.d ? k + 1 : k; }

Column column_of(const Gram& gram, std::int64_t k) {
  const std::int64_t p = place(gram, k);
  const double square = gram.at(p, p), sum = gram.sum(p), weight = gram.weight();
  return {gram.origin[k] + sum / weight, gram.varies(p) ? square - sum * (sum / weight) : 0};
}

double between(const Gram& a, const Gram& b, std::int64_t k) {
  if (a.origin[k] == b.origin[k]) return a.origin[k];
  const Column in_a = column_of(a, k), in_b = column_of(b, k);
  const double weight = a.weight() + b.weight(), share = b.weight() / weight;
  const double apart = in_b.mean - in_a.mean;
  const double variance = (in_a.squares + in_b.squares) / weight + share * (1 - share) * apart * apart;
  int exponent = 0;
  std::frexp(std::sqrt(variance) / 4, &exponent);
  const double grid = std::ldexp(1.0, exponent);
  const double about = std::nearbyint((in_a.mean + share * apart) / grid) * grid;
  return std::isfinite(about) ? about : a.origin[k];
}

// Adds the sums of `gram` as they are about `origin`.
void add_about(const Gram& gram, const std::vector<double>& origin, double* into) {
  const std::int64_t d = gram.d, size = d + 2;
  std::vector<double> offset(static_cast<std::size_t>(size)), sums(static_cast<std::size_t>(size));
  for (std::int64_t k = 0; k <= d; ++k) {
    const auto p = static_cast<std::size_t>(place(gram, k));
    offset[p] = gram.origin[k] - origin[static_cast<std::size_t>(k)];
    sums[p] = gram.sum(static_cast<std::int64_t>(p));
  }
  const double weight = gram.weight();
  for (std::int64_t j = 0; j < size; ++j) {
    const double o = offset[static_cast<std::size_t>(j)], sum = sums[static_cast<std::size_t>(j)];
    const double* const from = gram.matrix + j * size;
    double* const to = into + j * size;
    if (j == d) {
      for (std::int64_t k = 0; k < size; ++k) to[k] += from[k] + weight * offset[static_cast<std::size_t>(k)];
      continue;
    }
    for (std::int64_t k = 0; k < size; ++k) {
      const double p = offset[static_cast<std::size_t>(k)];
      to[k] += from[k] + (o * sums[static_cast<std::size_t>(k)] + sum * p) + o * p * weight;
    }
    to[d] += o * weight;
  }
}

OwnGram copy_of(const Gram& gram) {
  const std::int64_t size = gram.d + 2;
  return {{gram.matrix, gram.matrix + size * size}, {gram.origin, gram.origin + size - 1}, gram.d};
}

}  // namespace

OwnGram added(const Gram& a, const Gram& b) {
  OwnGram both{{}, std::vector<double>(static_cast<std::size_t>(a.d + 1)), a.d};
  const bool one_counts = a.weight() == 0 || b.weight() == 0;
  bool moves = false;
  for (std::int64_t k = 0; k <= a.d; ++k) {
    double& origin = both.origin[static_cast<std::size_t>(k)];
    origin = one_counts ? (a.weight() == 0 ? b : a).origin[k] : between(a, b, k);
    moves = moves || origin != a.origin[k] || origin != b.origin[k];
  }
  both.matrix.resize(static_cast<std::size_t>((a.d + 2) * (a.d + 2)));
  if (one_counts || !moves) {
    for (std::size_t i = 0; i < both.matrix.size(); ++i) both.matrix[i] = a.matrix[i] + b.matrix[i];
  } else {
    add_about(a, both.origin, both.matrix.data());
    add_about(b, both.origin, both.matrix.data());
  }
  return both;
}

TrainingSums training_sums(const std::vector<Gram>& parts) {
  const std::size_t count = parts.size();
  TrainingSums sums;
  sums.without.resize(count);
  // First the sums of those before each: of none before the first, which stays empty.
  for (std::size_t i = 1; i < count; ++i) {
    sums.without[i] = i == 1 ? copy_of(parts[0]) : added(sums.without[i - 1].view(), parts[i - 1]);
  }
  sums.all = added(sums.without[count - 1].view(), parts[count - 1]);
  OwnGram after = copy_of(parts[count - 1]);
  for (std::size_t i = count - 1; i-- > 1;) {
    sums.without[i] = added(sums.without[i].view(), after.view());
    after = added(parts[i], after.view());
  }
  sums.without[0] = std::move(after);
  return sums;
}

}  // namespace gdfast
