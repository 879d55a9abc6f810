// Ctrl-C during long work without the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>

#include "gil.hpp"

namespace gdfast::bindings {

namespace py = pybind11;

// The exception itself, with the frames it came through.
inline py::object exception_of(const py::error_already_set& raised) {
  if (raised.trace()) PyException_SetTraceback(raised.value().ptr(), raised.trace().ptr());
  return raised.value();
}

// What a handler raised, once the GIL is held again.
[[noreturn]] inline void raise(const py::object& error) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw py::error_already_set();
}

// Runs pending signal handlers, at most every 50 ms: Ctrl-C arrives in time and the GIL is left alone. An exception
// that a handler raises is kept for the end.
class SignalCheck {
 public:
  explicit SignalCheck(py::object& error) : error_(error) {}

  bool operator()() {
    // Looking at the clock costs more than a small pass.
    if (++calls_ % 64 != 0 && last_ != Clock::time_point{} && !slow_) return false;
    const auto now = Clock::now();
    slow_ = now - last_ > std::chrono::milliseconds(1);
    if (now - asked_ < std::chrono::milliseconds(50)) {
      last_ = now;
      return false;
    }
    asked_ = last_ = now;
    const HeldGil gil;
    if (PyErr_CheckSignals() == 0) return false;
    error_ = exception_of(py::error_already_set());
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  py::object& error_;
  unsigned calls_ = 0;
  bool slow_ = true;
  Clock::time_point last_{}, asked_{Clock::now()};
};

}  // namespace gdfast::bindings
