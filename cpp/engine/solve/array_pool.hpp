// Large arrays of one size, handed from one task to the next: for a new one the system clears each page, which takes as
// long as reading it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/large_array.hpp"

namespace gdfast {

class ArrayPool {
 public:
  // So many numbers each. The pool outlives what it has lent.
  explicit ArrayPool(std::size_t count) : count_(count) {}

  struct GivenBack {
    ArrayPool* pool;
    void operator()(double* p) const { pool->give_back(LargeArray(p)); }
  };
  using Lent = std::unique_ptr<double[], GivenBack>;

  // Not set, and from any thread.
  Lent lend() { return {taken().release(), GivenBack{this}}; }

 private:
  std::size_t count_, made_ = 0;
  std::mutex mutex_;
  std::vector<LargeArray> free_;

  LargeArray taken() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) {
      free_.reserve(++made_);
      return large_array(count_);
    }
    LargeArray last = std::move(free_.back());
    free_.pop_back();
    return last;
  }

  void give_back(LargeArray array) {
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(array));  // there is room for all that were made: it doesn't throw
  }
};

}  // namespace gdfast
