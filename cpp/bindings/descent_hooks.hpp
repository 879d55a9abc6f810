// What a descent without the GIL calls back in Python: the user's callback, the progress bar.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <chrono>
#include <vector>

#include "engine/descent/descend.hpp"
#include "python_code.hpp"

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
    Answer answer = Answer::failed;
    with_gil([&] {
      PyObject* const w = copy_of(descent.w).release().ptr();
      PyObject* const b = number_or_none(has_b_, static_cast<double>(descent.b)).release().ptr();
      const auto pass = static_cast<long long>(iteration);
      const int truth = truth_of(PyObject_CallFunction(function_.ptr(), "LNNd", pass, w, b, descent.losses.back()));
      if (truth < 0) keep_exception(error_);
      if (truth >= 0) answer = truth != 0 ? Answer::stop : Answer::go_on;
    });
    return answer;
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
    bool raised = false;
    with_gil([&] {
      const auto passes = static_cast<Py_ssize_t>(descent_.losses.size());
      PyObject* const nothing = PyObject_CallFunction(function_.ptr(), "nd", passes, descent_.losses.back());
      raised = nothing == nullptr;
      if (raised) keep_exception(error_);
      Py_XDECREF(nothing);
    });
    return raised;
  }

 private:
  py::handle function_;
  const Descent<T>& descent_;
  py::object& error_;
  std::chrono::steady_clock::time_point told_{};
};

}  // namespace gdfast::bindings
