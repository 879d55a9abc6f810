// Asks `Stop` on the thread that began, and tells the others.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace gdfast {

// Returns true to give up; asked on the calling thread, between segments. May be empty.
using Stop = std::function<bool()>;

class StopFlag {
 public:
  explicit StopFlag(const Stop* stop) : stop_(stop) {}

  bool operator()() {
    if (stop_ == nullptr) return false;
    if (std::this_thread::get_id() == caller_ && !stopped_ && (*stop_)()) stopped_ = true;
    return stopped_;
  }

  // Without asking once more.
  bool stopped() const { return stopped_; }

 private:
  const Stop* stop_;
  std::atomic<bool> stopped_{false};
  const std::thread::id caller_ = std::this_thread::get_id();
};

}  // namespace gdfast
