// A thread's scratch for the length of a piece of work, counted while it is in use.
#pragma once

#include "counters.hpp"
#include "scratch.hpp"

namespace gdfast {

class CountedScratch {
 public:
  // Room for so many bytes; `counters` may be null.
  CountedScratch(std::size_t bytes, Counters* counters)
      : bytes_(static_cast<std::int64_t>(bytes)), counters_(counters) {
    scratch_->reserve(bytes);
    if (counters_ != nullptr) counters_->take(bytes_);
  }
  ~CountedScratch() {
    if (counters_ != nullptr) counters_->give(bytes_);
  }
  CountedScratch(const CountedScratch&) = delete;
  CountedScratch& operator=(const CountedScratch&) = delete;

  Scratch& operator*() { return *scratch_; }
  Scratch* operator->() { return &*scratch_; }

 private:
  BorrowedScratch scratch_;
  std::int64_t bytes_;
  Counters* counters_;
};

}  // namespace gdfast
