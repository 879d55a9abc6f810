// What a descent without the GIL calls back in Python: the user's callback, the progress bar, NumPy's generator.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <chrono>
#include <vector>

#include "engine/descent/descend.hpp"
#include "gil.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {

namespace py = pybind11;

template <class T>
py::array copy_of(const std::vector<T>& values) {
  return py::array(py::dtype::of<T>(), py::array::ShapeContainer{static_cast<py::ssize_t>(values.size())},
                   values.data());
}

inline py::object number_or_none(bool given, double value) {
  return given ? py::object(py::float_(value)) : py::object(py::none());
}

// Calls the user's callback. What it raises ends the descent.
template <class T>
class Callback {
 public:
  using Answer = typename Watcher<T>::Answer;
  Callback(py::object function, bool has_b, py::object& error) : function_(function), has_b_(has_b), error_(error) {}

  Answer operator()(std::int64_t iteration, const Descent<T>& descent) const {
    const HeldGil gil;
    try {
      const py::object b = number_or_none(has_b_, static_cast<double>(descent.b));
      const py::object stop = function_(iteration, copy_of(descent.w), b, descent.losses.back());
      const int truth = PyObject_IsTrue(stop.ptr());
      if (truth < 0) throw py::error_already_set();
      return truth != 0 ? Answer::stop : Answer::go_on;
    } catch (const py::error_already_set& raised) {
      error_ = exception_of(raised);
      return Answer::failed;
    }
  }

 private:
  py::handle function_;  // held by the caller's arguments
  bool has_b_;
  py::object& error_;
};

// Tells how far the descent is, at most every 0.1 s.
template <class T>
class Progress {
 public:
  Progress(py::handle function, const Descent<T>& descent, py::object& error)
      : function_(function), descent_(descent), error_(error) {}

  // True where telling it raised.
  bool operator()() {
    const auto now = std::chrono::steady_clock::now();
    if (descent_.losses.empty() || now - told_ < std::chrono::milliseconds(100)) return false;
    told_ = now;
    const HeldGil gil;
    try {
      function_(descent_.losses.size(), descent_.losses.back());
      return false;
    } catch (const py::error_already_set& raised) {
      error_ = exception_of(raised);
      return true;
    }
  }

 private:
  py::handle function_;
  const Descent<T>& descent_;
  py::object& error_;
  std::chrono::steady_clock::time_point told_{};
};

// The order of a pass, drawn from a NumPy Generator under its own lock.
class Permutation {
 public:
  explicit Permutation(py::handle rng) {
    const py::object generator = rng.attr("bit_generator");
    lock_ = generator.attr("lock");
    bits_ = py::capsule(generator.attr("capsule")).get_pointer<BitGenerator>();
  }

  bool operator()(std::int64_t n, std::int64_t* order, const Stop& stop) const {
    call("acquire");
    const bool drawn = permutation(*bits_, n, order, stop);
    call("release");
    return drawn;
  }

 private:
  py::object lock_;
  BitGenerator* bits_;

  void call(const char* method) const {
    const HeldGil gil;
    lock_.attr(method)();
  }
};

}  // namespace gdfast::bindings
