// The point about which moments are summed: near the data, so that what is summed is about as large as the data spread.
// About 0, a column of years or of timestamps would lose to its offset the digits in which it differs from row to row.
#pragma once

#include <vector>

#include "groups.hpp"
#include "source.hpp"

namespace gdfast {

class Origin {
 public:
  explicit Origin(std::int64_t d)
      : many_(d <= kStrip ? 0 : static_cast<std::size_t>((d + kStrip - 1) / kStrip * kStrip), 0.0) {}

  // d numbers, then zeros up to a whole strip.
  double* x() { return many_.empty() ? few_ : many_.data(); }
  const double* x() const { return many_.empty() ? few_ : many_.data(); }

  double y = 0;

 private:
  double few_[kStrip] = {};  // a small problem's time would double with what is allocated
  std::vector<double> many_;
};

// Of each column the median of a few rows. The median of all rows would be within one standard deviation of the mean, so
// squares about it are at most twice those about the mean; a few rows do nearly as well, and a rare outlier among them,
// which would spoil their mean, changes nothing. It is a value of the column itself: so a constant column's sums are
// exactly 0. Rows that weigh nothing, and values that aren't finite, are passed over. Depends on the data alone.
template <class T>
Origin choose_origin(const Source<T>& source);

// The same of the rows of a group.
template <class T>
Origin choose_origin(const Source<T>& source, const Groups& groups, std::int64_t group);

}  // namespace gdfast
