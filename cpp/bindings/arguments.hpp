// Arguments of a function that Python calls directly, without pybind11 between: for calls of a fraction of a microsecond.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <string>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace gdfast::bindings {

namespace py = pybind11;

// A signature (a, b, c=…, *, d=…): its names, of which the first `positional` may come without one, and the first
// `required` have to come.
template <std::size_t N>
struct Signature {
  const char* function;
  std::array<const char*, N> names;
  std::size_t positional, required;

  // The arguments in the order of the names, null where none came; borrowed. As METH_FASTCALL | METH_KEYWORDS has them:
  // values by position, then those whose names are in `keywords`, which may be null.
  std::array<PyObject*, N> read(PyObject* const* values, Py_ssize_t given, PyObject* keywords) const {
    std::array<PyObject*, N> arguments{};
    const auto count = static_cast<std::size_t>(given);
    if (count > positional) refuse_positions(count);
    for (std::size_t k = 0; k < count; ++k) arguments[k] = values[k];
    const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t k = 0; k < named; ++k) {
      PyObject*& argument = arguments[place_of(PyTuple_GET_ITEM(keywords, k))];
      if (argument != nullptr) refuse("got multiple values for argument", PyTuple_GET_ITEM(keywords, k), "");
      argument = values[given + k];
    }
    for (std::size_t k = 0; k < required; ++k) {
      if (arguments[k] == nullptr) refuse_absence(names[k]);
    }
    return arguments;
  }

 private:
  std::size_t place_of(PyObject* name) const {
    for (std::size_t k = 0; k < N; ++k) {
      if (PyUnicode_CompareWithASCIIString(name, names[k]) == 0) return k;
    }
    refuse("got an unexpected keyword argument", name, ": accepted are " + joined(0, N));
  }

  std::string joined(std::size_t first, std::size_t end) const {
    std::string text;
    for (std::size_t k = first; k < end; ++k) text += (text.empty() ? "" : ", ") + std::string(names[k]);
    return text;
  }

  [[noreturn]] void refuse(const char* what, PyObject* name, const std::string& advice) const {
    throw py::type_error(std::string(function) + "() " + what + " " + std::string(py::repr(name)) + advice);
  }

  [[noreturn]] void refuse_positions(std::size_t count) const {
    throw py::type_error(std::string(function) + "() takes at most " + std::to_string(positional) +
                         " positional arguments (" + joined(0, positional) + ") but " + std::to_string(count) +
                         " were given: name the others, which are " + joined(positional, N));
  }

  [[noreturn]] void refuse_absence(const char* name) const {
    throw py::type_error(std::string(function) + "() is missing its argument '" + name + "': needed are " +
                         joined(0, required));
  }
};

// What pybind11 does around a function of its own: an exception of C++ becomes one of Python.
template <class Call>
PyObject* returned_or_raised(Call call) {
  try {
    return call();
  } catch (py::error_already_set& error) {
    error.restore();
#if defined(__GLIBCXX__)
  } catch (abi::__forced_unwind&) {
    throw;  // the end of a thread, which must not be caught
#endif
  } catch (...) {
    py::detail::try_translate_exceptions();
  }
  return nullptr;
}

}  // namespace gdfast::bindings
