// What a computation used: bytes that kernels read of the data, and the working memory at its peak.
#pragma once

#include <atomic>
#include <cstdint>

namespace gdfast {

struct Counters {
  std::atomic<std::int64_t> bytes_read{0}, in_use{0}, peak{0};

  void add_read(std::int64_t bytes) { bytes_read.fetch_add(bytes, std::memory_order_relaxed); }

  void take(std::int64_t bytes) {
    const std::int64_t now = in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    std::int64_t seen = peak.load(std::memory_order_relaxed);
    while (seen < now && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
    }
  }

  void give(std::int64_t bytes) { in_use.fetch_sub(bytes, std::memory_order_relaxed); }
};

}  // namespace gdfast
