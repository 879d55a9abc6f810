// The extension module gdfast._core: arrays in, GIL released, tuples out. No arithmetic here.
#include <pybind11/pybind11.h>

#include "arrays.hpp"
#include "engine/dispatch.hpp"
#include "engine/forms.hpp"
#include "engine/machine.hpp"
#include "engine/thread_pool.hpp"
#include "functions.hpp"
#include "numpy_objects.hpp"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ core of gdfast. Use it through the gdfast package.";
  try {
    // What is found once is found here. A fork while another thread finds it would leave the child waiting for it.
    gdfast::active_isa();
    gdfast::check_forced_form();
    gdfast::num_threads();
    gdfast::caches();
    gdfast::fetches_near();
    gdfast::follows_many_columns();
  } catch (const std::invalid_argument& error) {
    throw pybind11::import_error(error.what());
  }
  gdfast::bindings::learn_numpy_numbers(m);
  // Signatures in docstrings are written by hand: pybind11's would name no more than `object`.
  pybind11::options options;
  options.disable_function_signatures();
  gdfast::bindings::register_loss_and_gradient(m);
  gdfast::bindings::register_functions(m);
  gdfast::bindings::register_descent(m);
  gdfast::bindings::register_moments(m);
  gdfast::bindings::register_path(m);
  gdfast::bindings::register_arrow(m);
  gdfast::bindings::register_columns(m);
  gdfast::bindings::register_threads(m);
  gdfast::bindings::register_config(m);
}
