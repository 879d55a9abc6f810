// The columns of a symmetric matrix that a descent moves, in the order in which they came in, and the others after them.
// Rows of those at work are kept in that order: a sweep reads the upper triangle of them, which lies together.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "array_pool.hpp"

namespace gdfast {

class WorkingSet {
 public:
  // What an array has to have room for: no less than d × d.
  static std::size_t room(std::int64_t d);
  // a is d × d, and outlives this. No column is at work yet.
  WorkingSet(const double* a, std::int64_t d, ArrayPool& arrays);

  std::int64_t d() const { return d_; }
  std::int64_t size() const { return size_; }
  std::int64_t column(std::int64_t place) const { return order_[static_cast<std::size_t>(place)]; }
  // Of a column at work, its elements by place. Rows begin on a cache line.
  const double* row(std::int64_t place) const { return rows_.get() + place * stride_; }

  // Takes in the columns of these places, which ascend. Gives the places that changed, one after the other.
  using Swap = std::pair<std::int64_t, std::int64_t>;
  std::vector<Swap> take_in(const std::vector<std::int64_t>& places);

 private:
  const double* a_;
  std::int64_t d_, stride_, size_ = 0;
  std::vector<std::int64_t> order_;
  ArrayPool::Lent rows_;  // touched only as far as there are columns at work
};

}  // namespace gdfast
