// Where a gradient in w goes: a number, an array of the user's, or a new one.
#pragma once

#include "arrays.hpp"

namespace gdfast::bindings {

// NumPy's number for T.
template <class T>
constexpr int kTypeNumber = py::detail::npy_api::NPY_DOUBLE_;
template <>
inline constexpr int kTypeNumber<float> = py::detail::npy_api::NPY_FLOAT_;
template <>
inline constexpr int kTypeNumber<std::int64_t> = py::detail::npy_api::NPY_INT64_;

// An array of T. NumPy's own function, since pybind11's way there takes as long again.
template <class T, class... Size>
py::object new_array(Size... sizes) {
  const auto& numpy = py::detail::npy_api::get();
  const Py_intptr_t shape[] = {sizes...};
  PyObject* const dtype = numpy.PyArray_DescrFromType_(kTypeNumber<T>);  // a reference that the next line takes
  PyObject* const array =
      numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, dtype, sizeof...(sizes), shape, nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

template <class T>
T* data_of(py::handle array) {
  return reinterpret_cast<T*>(py::detail::array_proxy(array.ptr())->data);
}

template <class T>
class Gradient {
 public:
  Gradient(const MatrixView& x, bool one_dimensional, py::handle x_object, py::handle out) : number_(one_dimensional) {
    if (!out.is_none()) {
      std::int64_t size = 0;
      const auto view = as_vector(out, size);
      const bool fits = view && size == x.d && view->dtype == kDType<T> && view->stride == sizeof(T) && !number_ &&
                        reinterpret_cast<std::uintptr_t>(view->data) % alignof(T) == 0 &&
                        py::reinterpret_borrow<py::array>(out).writeable();
      if (!fits) validate("out", {out, x_object});
      array_ = py::reinterpret_borrow<py::object>(out);
    } else if (!number_) {
      array_ = new_array<T>(x.d);
    }
    if (!number_) data_ = data_of<T>(array_);
  }

  T* data() { return number_ ? &value_ : data_; }
  // A new reference for whoever called, or null with an exception set.
  PyObject* release() { return number_ ? PyFloat_FromDouble(static_cast<double>(value_)) : array_.release().ptr(); }

 private:
  bool number_;
  T value_ = T(0);
  T* data_ = nullptr;
  py::object array_;
};

// A tuple of two; takes the references over. Null, with an exception set, where one of them is.
inline PyObject* pair(PyObject* first, PyObject* second) {
  PyObject* const tuple = first == nullptr || second == nullptr ? nullptr : PyTuple_New(2);
  if (tuple == nullptr) {
    Py_XDECREF(first);
    Py_XDECREF(second);
    return nullptr;
  }
  PyTuple_SET_ITEM(tuple, 0, first);
  PyTuple_SET_ITEM(tuple, 1, second);
  return tuple;
}

}  // namespace gdfast::bindings
