// The functions of the model for several models at once: w of shape (d, K), or predictions of shape (n, K). What is given
// here is what gdfast.validation made of a call's arguments.
#pragma once

#include "arrays.hpp"

namespace gdfast::bindings {

// Losses (K,) and gradients in w (d, K), with b: (losses, (gradients in w, gradients in b)). A new reference.
PyObject* losses_and_gradients(const py::tuple& problem, Reduction reduction, py::handle out);
// Predictions (n, K), each model's in a piece of memory.
py::object predictions(const py::tuple& prediction);
// Losses (K,) of the columns of y_pred against those of y.
py::object losses(const py::tuple& residual, Reduction reduction);
// Gradients in w (d, K) of the same.
py::object gradients_in_w(const py::tuple& gradient, Reduction reduction);

}  // namespace gdfast::bindings
