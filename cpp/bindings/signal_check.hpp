// Ctrl-C during long work without the GIL.
#pragma once

#include <chrono>

#include "arrays.hpp"
#include "engine/stop_flag.hpp"
#include "gil.hpp"
#include "python_code.hpp"

namespace gdfast::bindings {

// Runs pending signal handlers. True where one raised; its exception is kept.
inline bool signals_raise(py::object& error) {
  bool raised = false;
  with_gil([&] {
    if (PyErr_CheckSignals() == 0) return;
    raised = true;
    keep_exception(error);
  });
  return raised;
}

// Does so at most every 50 ms: Ctrl-C arrives in time and the GIL is left alone.
class SignalCheck {
 public:
  explicit SignalCheck(py::object& error) : error_(error) {}

  bool operator()() {
    // Looking at the clock costs more than a small pass.
    if (++calls_ % 64 != 0 && last_ != Clock::time_point{} && !slow_) return false;
    const auto now = Clock::now();
    slow_ = now - last_ > std::chrono::milliseconds(1);
    if (last_ == Clock::time_point{}) asked_ = now;
    if (now - asked_ < std::chrono::milliseconds(50)) {
      last_ = now;
      return false;
    }
    asked_ = last_ = now;
    return signals_raise(error_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  py::object& error_;
  unsigned calls_ = 0;
  bool slow_ = true;
  Clock::time_point last_{}, asked_{};  // 0: not yet; a small problem never looks
};

// One call on so many numbers. Without the GIL where that is worthwhile, as in `worth_releasing_gil`; and where it takes
// more than a few milliseconds, from memory or a disk, Ctrl-C doesn't have to wait for the end: `work` is given whom to
// ask, or null. What comes out of it is to be handed out after this, under the GIL.
template <class Work>
void without_gil(std::int64_t numbers, Work work) {
  py::object error;
  {
    const ReleasedGil released(worth_releasing_gil(numbers));
    const Stop ctrl_c = numbers >= 16 << 20 ? Stop(SignalCheck(error)) : Stop();
    work(ctrl_c ? &ctrl_c : nullptr);
  }
  if (error) raise(error);
}

}  // namespace gdfast::bindings
