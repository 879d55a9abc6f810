// Letting go of the GIL and taking it back, in threads that may outlive the interpreter.
//
// While Python shuts down, a daemon thread that asks for the GIL is ended from within: its stack is unwound from there,
// through Python's own frames first. The destructors of C++ frames would then touch Python objects without the GIL, or
// release a GIL that nobody holds. So such a thread is caught before the first of them, and waits for the end of the
// process. Hence one rule: Python code runs inside `or_wait_for_the_end` (`with_gil` has it), in a function that has no
// variable with a destructor and calls Python's C functions only.
#pragma once

#include <Python.h>
#include <unistd.h>

#include <exception>
#include <utility>

namespace gdfast::bindings {

// An ordinary exception passes. The unwinding of a thread is none: nothing but `...` sees it.
template <class TakeGil>
void or_wait_for_the_end(TakeGil take) {
  try {
    take();
  } catch (const std::exception&) {
    throw;
  } catch (...) {
    while (true) pause();
  }
}

// What this thread takes the GIL back with; null while it holds the GIL. PyGILState_Ensure would find it too, but crashes
// where the interpreter is gone, while PyEval_RestoreThread ends the thread then.
inline constinit thread_local PyThreadState* let_go = nullptr;

class ReleasedGil {
 public:
  explicit ReleasedGil(bool worthwhile = true) : worthwhile_(worthwhile) {
    if (worthwhile_) let_go = PyEval_SaveThread();
  }
  ~ReleasedGil() {
    if (worthwhile_) or_wait_for_the_end([] { PyEval_RestoreThread(std::exchange(let_go, nullptr)); });
  }
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;

 private:
  bool worthwhile_;
};

// Runs `work` with the GIL, which this thread may or may not have let go of. `work` keeps to the rule above.
template <class Work>
void with_gil(Work work) {
  or_wait_for_the_end([&work] {
    PyThreadState* const state = std::exchange(let_go, nullptr);
    if (state != nullptr) PyEval_RestoreThread(state);
    try {
      work();
    } catch (const std::exception&) {
      if (state != nullptr) let_go = PyEval_SaveThread();
      throw;
    }
    if (state != nullptr) let_go = PyEval_SaveThread();
  });
}

}  // namespace gdfast::bindings
