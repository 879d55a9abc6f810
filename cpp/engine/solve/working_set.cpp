#include "working_set.hpp"

#include <cstddef>
#include <numeric>

namespace gdfast {
namespace {

constexpr std::int64_t kLine = 64, kLineNumbers = kLine / sizeof(double), kPage = 4096 / sizeof(double);

// Whole lines, and no multiple of 4 KiB: rows so far apart share the sets of a cache.
std::int64_t stride_of(std::int64_t d) {
  const std::int64_t lines = (d + kLineNumbers - 1) / kLineNumbers * kLineNumbers;
  return lines % kPage == 0 ? lines + kLineNumbers : lines;
}

}  // namespace

std::size_t WorkingSet::room(std::int64_t d) { return static_cast<std::size_t>(d * stride_of(d)); }

WorkingSet::WorkingSet(const double* a, std::int64_t d, ArrayPool& arrays)
    : a_(a), d_(d), stride_(stride_of(d)), order_(static_cast<std::size_t>(d)), rows_(arrays.lend()) {
  std::iota(order_.begin(), order_.end(), std::int64_t{0});
}

std::vector<WorkingSet::Swap> WorkingSet::take_in(const std::vector<std::int64_t>& places) {
  std::vector<Swap> swaps;
  const std::int64_t before = size_;
  for (const std::int64_t place : places) {
    swaps.emplace_back(place, size_++);
    std::swap(order_[static_cast<std::size_t>(place)], order_[static_cast<std::size_t>(swaps.back().second)]);
  }
  for (std::int64_t i = 0; i < before; ++i) {
    double* const to = rows_.get() + i * stride_;
    for (const auto& [from, place] : swaps) std::swap(to[from], to[place]);
  }
  for (std::int64_t i = before; i < size_; ++i) {
    const double* const from = a_ + column(i) * d_;
    double* const to = rows_.get() + i * stride_;
    for (std::int64_t k = 0; k < d_; ++k) to[k] = from[column(k)];
  }
  return swaps;
}

}  // namespace gdfast
