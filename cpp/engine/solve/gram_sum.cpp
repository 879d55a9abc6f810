#include "gram_sum.hpp"

#include <algorithm>
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

// The sums of a part as they are about another origin: from_jk + (o_j·s_k + s_j·o_k) + o_j·o_k·Σs.
class Moved {
 public:
  Moved(const Gram& gram, const std::vector<double>& origin)
      : gram_(gram),
        weight_(gram.weight()),
        offset_(static_cast<std::size_t>(gram.d + 2)),
        sums_(static_cast<std::size_t>(gram.d + 2)) {
    for (std::int64_t k = 0; k <= gram.d; ++k) {
      const auto p = static_cast<std::size_t>(place(gram, k));
      offset_[p] = gram.origin[k] - origin[static_cast<std::size_t>(k)];
      sums_[p] = gram.sum(static_cast<std::int64_t>(p));
    }
  }

  double weight() const { return weight_; }
  const double* row(std::int64_t j) const { return gram_.matrix + j * (gram_.d + 2); }
  const double* offsets() const { return offset_.data(); }
  const double* sums() const { return sums_.data(); }
  double with_ones(std::int64_t k) const { return gram_.sum(k) + weight_ * offset_[static_cast<std::size_t>(k)]; }

 private:
  const Gram& gram_;
  double weight_;
  std::vector<double> offset_, sums_;  // of 1, 0: its place is filled by with_ones
};

// Row j of the sum, from the diagonal on. `to` may be the row of a part.
void add_row(const Moved& a, const Moved& b, std::int64_t j, std::int64_t size, double* to) {
  const double *const from_a = a.row(j), *const from_b = b.row(j);
  const double *const of_a = a.offsets(), *const of_b = b.offsets(), *const sums_a = a.sums(), *const sums_b = b.sums();
  const double oa = of_a[j], ob = of_b[j], sa = sums_a[j], sb = sums_b[j], wa = a.weight(), wb = b.weight();
  for (std::int64_t k = j; k < size; ++k) {
    const double p = of_a[k], q = of_b[k];
    to[k] =
        (from_a[k] + (oa * sums_a[k] + sa * p) + oa * p * wa) + (from_b[k] + (ob * sums_b[k] + sb * q) + ob * q * wb);
  }
}

void add_moved(const Moved& a, const Moved& b, std::int64_t d, double* into) {
  const std::int64_t size = d + 2;
  std::vector<double> ones(static_cast<std::size_t>(size));  // before a part is written over
  for (std::int64_t k = 0; k < size; ++k) ones[static_cast<std::size_t>(k)] = a.with_ones(k) + b.with_ones(k);
  for (std::int64_t j = 0; j < size; ++j) {
    add_row(a, b, j, size, into + j * size);
    if (j < d) into[j * size + d] = ones[static_cast<std::size_t>(j)];
  }
  std::copy_n(ones.data() + d, 2, into + d * (size + 1));
}

void add_as_they_are(const Gram& a, const Gram& b, double* into) {
  const std::int64_t size = a.d + 2;
  for (std::int64_t j = 0; j < size; ++j) {
    const double *const from_a = a.matrix + j * size, *const from_b = b.matrix + j * size;
    double* const to = into + j * size;
    for (std::int64_t k = j; k < size; ++k) to[k] = from_a[k] + from_b[k];
  }
}

OwnGram empty(std::int64_t d) {
  const auto size = static_cast<std::size_t>(d + 2);
  return {large_array(size * size), std::vector<double>(size - 1), d};
}

OwnGram copy_of(const Gram& gram) {
  const std::int64_t size = gram.d + 2;
  OwnGram copy = empty(gram.d);
  std::copy_n(gram.matrix, size * size, copy.matrix.get());
  std::copy_n(gram.origin, size - 1, copy.origin.data());
  return copy;
}

// Of both, about a point near all of the data: into a part itself, if that is `into`. Where the origins differ, that point
// is a column's mean, rounded to a few binary digits of its standard deviation: so that sums of integers, which are exact,
// stay so.
void add(const Gram& a, const Gram& b, OwnGram& into) {
  std::vector<double> origin(static_cast<std::size_t>(a.d + 1));
  const bool one_counts = a.weight() == 0 || b.weight() == 0;
  bool moves = false;
  for (std::int64_t k = 0; k <= a.d; ++k) {
    double& about = origin[static_cast<std::size_t>(k)];
    about = one_counts ? (a.weight() == 0 ? b : a).origin[k] : between(a, b, k);
    moves = moves || about != a.origin[k] || about != b.origin[k];
  }
  if (one_counts || !moves) {
    add_as_they_are(a, b, into.matrix.get());
  } else {
    add_moved(Moved(a, origin), Moved(b, origin), a.d, into.matrix.get());
  }
  into.origin = std::move(origin);
}

OwnGram added(const Gram& a, const Gram& b) {
  OwnGram both = empty(a.d);
  add(a, b, both);
  return both;
}

}  // namespace

TrainingSums training_sums(const std::vector<Gram>& parts) {
  const std::size_t last = parts.size() - 1;
  TrainingSums sums;
  sums.without.resize(parts.size());
  // First the sums of those before each: of the second that is the first part, and of the first there are none.
  const auto before = [&](std::size_t i) { return i == 1 ? parts[0] : sums.without[i].view(); };
  for (std::size_t i = 2; i <= last; ++i) sums.without[i] = added(before(i - 1), parts[i - 1]);
  sums.all = added(before(last), parts[last]);
  if (last == 1) sums.without[1] = copy_of(parts[0]);
  OwnGram after;
  for (std::size_t i = last; i-- > 1;) {
    const Gram behind = i + 1 == last ? parts[last] : after.view();
    if (i == 1) {
      sums.without[1] = added(parts[0], behind);
    } else {
      add(sums.without[i].view(), behind, sums.without[i]);
    }
    if (i + 1 == last) {
      after = added(parts[i], behind);
    } else {
      add(parts[i], behind, after);
    }
  }
  sums.without[0] = last == 1 ? copy_of(parts[1]) : std::move(after);
  return sums;
}

}  // namespace gdfast
