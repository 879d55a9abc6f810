// What it takes to run Python code from C++, by Python's C functions alone: see gil.hpp for why.
#pragma once

#include <pybind11/pybind11.h>

#include "gil.hpp"

namespace gdfast::bindings {

namespace py = pybind11;

// The exception that is set, with the frames it came through: a new reference, and no longer set.
inline PyObject* take_exception() {
#if PY_VERSION_HEX >= 0x030c0000
  return PyErr_GetRaisedException();
#else
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (trace != nullptr) PyException_SetTraceback(value, trace);
  Py_XDECREF(trace);
  Py_XDECREF(type);
  return value;
#endif
}

inline bool is_kept(const py::object& error) { return error && !error.is_none(); }

// Moves the exception that is set into `error`. The first one stays: it is what ended the work.
inline void keep_exception(py::object& error) {
  PyObject* const raised = take_exception();
  if (is_kept(error)) {
    Py_XDECREF(raised);
  } else {
    error = py::reinterpret_steal<py::object>(raised);
  }
}

// What was kept, once the GIL is held again.
[[noreturn]] inline void raise(const py::object& error) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw py::error_already_set();
}

// The answer's truth, 0 or 1, or −1 with an exception set; takes the reference over. Null counts as −1.
inline int truth_of(PyObject* answer) {
  if (answer == nullptr) return -1;
  const int truth = PyObject_IsTrue(answer);
  Py_DECREF(answer);
  return truth;
}

}  // namespace gdfast::bindings
