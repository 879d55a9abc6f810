// A thread's own working memory, kept from call to call: a call allocates nothing once its thread has been here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "large_array.hpp"

namespace gdfast {

class Scratch {
 public:
  // Room for the takes that follow; forgets the ones before.
  void reserve(std::size_t bytes) {
    if (bytes > size_) {
      memory_.reset();
      size_ = 0;
      memory_ = large_array((bytes + sizeof(double) - 1) / sizeof(double));
      size_ = bytes;
    }
    next_ = reinterpret_cast<std::byte*>(memory_.get());
  }

  template <class T>
  T* take(std::int64_t count) {
    T* taken = reinterpret_cast<T*>(next_);
    next_ += bytes<T>(count);
    return taken;
  }

  // What take<T>(count) needs: a whole number of cache lines.
  template <class T>
  static constexpr std::size_t bytes(std::int64_t count) {
    return (static_cast<std::size_t>(count) * sizeof(T) + kLine - 1) / kLine * kLine;
  }

 private:
  static constexpr std::size_t kLine = 64;
  LargeArray memory_;  // on a cache line
  std::size_t size_ = 0;
  std::byte* next_ = nullptr;
};

// A thread's scratch for the length of a call. A call within a call takes the next one: a job's caller runs tasks of it
// too, and a signal handler may call again. Only from the third level on is memory allocated anew.
class BorrowedScratch {
 public:
  BorrowedScratch() : scratch_(depth() < kLevels ? &of_thread(depth()) : &own_) { ++depth(); }
  ~BorrowedScratch() { --depth(); }
  BorrowedScratch(const BorrowedScratch&) = delete;
  BorrowedScratch& operator=(const BorrowedScratch&) = delete;

  Scratch* operator->() { return scratch_; }
  Scratch& operator*() { return *scratch_; }

 private:
  static constexpr int kLevels = 2;
  static Scratch& of_thread(int level) {
    thread_local Scratch scratch[kLevels];
    return scratch[level];
  }
  static int& depth() {
    thread_local int levels = 0;
    return levels;
  }
  Scratch own_;
  Scratch* scratch_;
};

}  // namespace gdfast
