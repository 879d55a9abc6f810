// What module.cpp registers: one function for each part of the module.
#pragma once

#include <pybind11/pybind11.h>

namespace gdfast::bindings {

void register_loss_and_gradient(pybind11::module_& m);
void register_functions(pybind11::module_& m);
void register_descent(pybind11::module_& m);
void register_moments(pybind11::module_& m);
void register_path(pybind11::module_& m);
void register_arrow(pybind11::module_& m);
void register_columns(pybind11::module_& m);
void register_threads(pybind11::module_& m);
void register_config(pybind11::module_& m);

}  // namespace gdfast::bindings
