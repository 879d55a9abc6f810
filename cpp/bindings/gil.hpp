// Letting go of the GIL and taking it back, in threads that may outlive the interpreter.
//
// While Python shuts down, a daemon thread that asks for the GIL is ended from within, which C++ sees as an exception
// from nowhere that must not be swallowed. Such a thread waits here for the end of the process instead.
#pragma once

#include <Python.h>
#include <unistd.h>

namespace gdfast::bindings {

template <class TakeGil>
void or_wait_for_the_end(TakeGil take) {
  try {
    take();
  } catch (...) {
    while (true) pause();
  }
}

class ReleasedGil {
 public:
  explicit ReleasedGil(bool worthwhile = true) : state_(worthwhile ? PyEval_SaveThread() : nullptr) {}
  ~ReleasedGil() {
    if (state_ != nullptr) or_wait_for_the_end([this] { PyEval_RestoreThread(state_); });
  }
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;

 private:
  PyThreadState* state_;
};

class HeldGil {
 public:
  HeldGil() {
    or_wait_for_the_end([this] { state_ = PyGILState_Ensure(); });
  }
  ~HeldGil() { PyGILState_Release(state_); }
  HeldGil(const HeldGil&) = delete;
  HeldGil& operator=(const HeldGil&) = delete;

 private:
  PyGILState_STATE state_{};
};

}  // namespace gdfast::bindings
