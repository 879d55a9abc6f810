// A table's columns as Python holds them: `gdfast._core.Columns`.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <vector>

#include "engine/columns.hpp"
#include "engine/matrix_view.hpp"

namespace gdfast::bindings {

namespace py = pybind11;

// Some rows of columns that lie in the memory of others, which are kept alive.
class Columns {
 public:
  // `columns` holds, of each, (ArrowTable, number of its column) or (NumPy array (n,), bytes that are 1 where it has no
  // number, or None).
  Columns(const py::sequence& columns, std::int64_t n, bool single);

  // Rows of others, computed in what `single` says.
  Columns(const Columns& other, std::int64_t start, std::int64_t end, bool single);

  std::int64_t n() const { return n_; }
  std::int64_t d() const { return static_cast<std::int64_t>(shared_->columns.size()); }
  DType dtype() const { return dtype_; }
  MatrixView size() const { return {nullptr, n_, d(), 0, 0, dtype()}; }
  TableView view() const { return {&shared_->columns, first_}; }

 private:
  struct Shared {
    std::vector<Column> columns;
    std::vector<py::object> owners;
  };
  std::shared_ptr<Shared> shared_;
  std::int64_t first_ = 0, n_ = 0;
  DType dtype_;
};

}  // namespace gdfast::bindings
