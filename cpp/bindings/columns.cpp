#include "columns.hpp"

#include <pybind11/numpy.h>

#include <stdexcept>

#include "arrays.hpp"
#include "arrow/table.hpp"
#include "functions.hpp"
#include "gradient.hpp"

namespace gdfast::bindings {
namespace {

// None of those that aren't numbers: such columns don't get here. Of bits, what they are as bytes.
DType dtype_of(arrow::Storage storage) {
  constexpr DType kTypes[] = {DType::boolean, DType::boolean, DType::boolean, DType::i8,  DType::i16,
                              DType::i32,     DType::i64,     DType::u8,      DType::u16, DType::u32,
                              DType::u64,     DType::f16,     DType::f32,     DType::f64};
  return kTypes[static_cast<int>(storage)];
}

Column of_arrow(const arrow::Column& given) {
  Column column{dtype_of(given.type.storage), given.type.storage == arrow::Storage::bits, {}};
  std::int64_t row = 0;
  for (const arrow::Chunk& chunk : given.chunks) {
    ColumnPart part;
    part.start = row;
    part.end = row += chunk.rows;
    part.data = static_cast<const char*>(chunk.values);
    if (column.packed) {
      part.bit = chunk.first;
    } else {
      part.stride = arrow::size_of(given.type.storage);
      part.data += chunk.first * part.stride;
    }
    part.validity = {chunk.validity, chunk.first, nullptr};
    column.parts.push_back(part);
  }
  return column;
}

Column of_array(const py::array& values, py::handle missing) {
  MatrixView view{};
  bool one_dimensional = false;
  if (!as_matrix(values, view, one_dimensional) && values.size() > 0) {
    throw std::invalid_argument("a column of " + std::string(py::str(values.dtype())) + " got where numbers belong");
  }
  ColumnPart part;
  part.end = values.shape(0);
  part.data = static_cast<const char*>(values.data());
  part.stride = values.strides(0);
  if (!missing.is_none()) {
    part.validity.missing = static_cast<const std::uint8_t*>(py::reinterpret_borrow<py::array>(missing).data());
  }
  return {view.dtype, false, {part}};
}

template <class F>
auto in_dtype(DType dtype, F f) {
  return dtype == DType::f32 ? f(static_cast<float*>(nullptr)) : f(static_cast<double*>(nullptr));
}

// Rows as an array in Fortran order: those that are numbered, or all.
py::object array_of(const Columns& columns, const py::object& rows) {
  return in_dtype(columns.dtype(), [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    const TableView view = columns.view();
    const std::int64_t* picked = nullptr;
    std::int64_t n = columns.n();
    if (!rows.is_none()) {
      const auto numbers = py::reinterpret_borrow<py::array>(rows);
      picked = static_cast<const std::int64_t*>(numbers.data());
      n = numbers.shape(0);
    }
    py::object array = new_array<T>(columns.d(), n);
    for (std::int64_t j = 0; j < columns.d(); ++j) {
      T* const to = data_of<T>(array) + j * n;
      if (picked == nullptr) {
        read_column(view[j], view.first, n, to, 1);
      } else {
        pick_column(view[j], view.first, picked, n, to, 1);
      }
    }
    return array.attr("T");
  });
}

// Of an array (n,) of the columns' dtype.
std::int64_t clear(const Columns& columns, const py::array& weights) {
  return in_dtype(columns.dtype(), [&](auto* none) {
    using T = std::remove_pointer_t<decltype(none)>;
    const TableView view = columns.view();
    std::int64_t cleared = 0;
    for (std::int64_t j = 0; j < columns.d(); ++j) {
      cleared += clear_missing(view[j], view.first, columns.n(), data_of<T>(weights));
    }
    return cleared;
  });
}

// The one column's numbers where they lie, if they lie as an array of the columns' dtype would; else None.
py::object lying(const py::object& self) {
  const auto& columns = self.cast<const Columns&>();
  const TableView view = columns.view();
  const Column& column = view[0];
  const bool ready = columns.d() == 1 && column.parts.size() == 1 && !column.parts[0].validity &&
                     column.dtype == columns.dtype() && !column.packed;
  if (!ready) return py::none();
  const ColumnPart& part = column.parts[0];
  const auto dtype = columns.dtype() == DType::f32 ? py::dtype::of<float>() : py::dtype::of<double>();
  py::array array(dtype, {static_cast<py::ssize_t>(columns.n())}, {static_cast<py::ssize_t>(part.stride)},
                  part.data + view.first * part.stride, self);
  array.attr("flags").attr("writeable") = false;
  return array;
}

}  // namespace

Columns::Columns(const py::sequence& columns, std::int64_t n, bool single)
    : shared_(std::make_shared<Shared>()), n_(n), dtype_(single ? DType::f32 : DType::f64) {
  for (const py::handle one : columns) {
    const auto pair = py::reinterpret_borrow<py::sequence>(one);
    const py::object owner = pair[0];
    if (py::isinstance<arrow::Table>(owner)) {
      shared_->columns.push_back(
          of_arrow(owner.cast<const arrow::Table&>().columns().at(py::cast<std::size_t>(pair[1]))));
    } else {
      shared_->columns.push_back(of_array(owner, py::object(pair[1])));
      shared_->owners.push_back(pair[1]);
    }
    const Column& column = shared_->columns.back();
    if ((column.parts.empty() ? 0 : column.parts.back().end) != n)
      throw std::invalid_argument("columns of unequal length");
    shared_->owners.push_back(owner);
  }
}

Columns::Columns(const Columns& other, std::int64_t start, std::int64_t end, bool single)
    : shared_(other.shared_), first_(other.first_ + start), n_(end - start), dtype_(single ? DType::f32 : DType::f64) {}

void register_columns(py::module_& m) {
  py::class_<Columns>(m, "Columns", R"(Columns(columns, n, single)
--

Columns of a table, where they lie; `gdfast.tables.Table` is what is made of it.
)")
      .def(py::init<const py::sequence&, std::int64_t, bool>())
      .def(py::init<const Columns&, std::int64_t, std::int64_t, bool>())
      .def("_array", &array_of)
      .def("_clear_missing", &clear)
      .def("_lying", &lying)
      .def_property_readonly("_row_bytes", [](const Columns& columns) { return columns.view().row_bytes(); })
      .def_property_readonly("_single", [](const Columns& columns) { return columns.dtype() == DType::f32; })
      .def_property_readonly("_size", [](const Columns& c) { return py::make_tuple(c.n(), c.d()); });
}

}  // namespace gdfast::bindings
