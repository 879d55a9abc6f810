// What a piece of work reads of the user's data, and the memory it takes meanwhile: counted where it happens.
#pragma once

#include <atomic>
#include <cstdint>

namespace gdfast {

struct Counters {
  std::atomic<std::int64_t> bytes_read{0};
  std::atomic<std::int64_t> in_use{0};
  std::atomic<std::int64_t> peak{0};

  void add_read(std::int64_t bytes) { bytes_read.fetch_add(bytes, std::memory_order_relaxed); }

  void take(std::int64_t bytes) {
    const std::int64_t now = in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    std::int64_t highest = peak.load(std::memory_order_relaxed);
    while (highest < now && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed)) {
    }
  }

  void give(std::int64_t bytes) { in_use.fetch_sub(bytes, std::memory_order_relaxed); }
};

}  // namespace gdfast
