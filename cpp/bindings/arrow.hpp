// Tables and columns that other packages hand over through Arrow's capsules.
#pragma once

#include <pybind11/pybind11.h>

#include "arrow/table.hpp"

namespace gdfast::bindings {

namespace py = pybind11;

// What is in a capsule of Arrow's, taken over: it can be read once.
template <class C>
arrow::Owned<C> taken(py::handle capsule, const char* name) {
  auto* const given = static_cast<C*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (given == nullptr) throw py::error_already_set();
  if (given->release == nullptr) throw arrow::Refused("it was read already");
  return arrow::Owned<C>(*given);
}

}  // namespace gdfast::bindings
