// What NumPy's objects hold: what an array's numbers are stored as, and the number that a scalar is.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>

#include "engine/matrix_view.hpp"

namespace gdfast::bindings {

namespace py = pybind11;
using ArrayProxy = py::detail::PyArray_Proxy;

// What the array's numbers are, in the machine's byte order; else nothing.
std::optional<DType> stored_dtype(const ArrayProxy* array);
// The same for what is computed with.
std::optional<DType> float_dtype(const ArrayProxy* array);

// Subclasses may mean more than their floats (a mask, a unit): validation looks at them.
const ArrayProxy* array_of(py::handle object);

// The number that a Python or NumPy scalar is, or an array (); false where it is none.
bool as_number(py::handle object, double& number);

// At import: asks NumPy for the types of its scalars, and makes BFLOAT16, the dtype that stands for bfloat16.
void learn_numpy_numbers(py::module_& m);

}  // namespace gdfast::bindings
