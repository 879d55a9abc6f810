#include "arrow.hpp"

#include <pybind11/stl.h>

#include <memory>
#include <tuple>

#include "functions.hpp"
#include "gil.hpp"

namespace gdfast::bindings {
namespace {

// A producer may run for long, and take the GIL in threads of its own.
template <class Call>
auto called_without_gil(Call call) {
  const ReleasedGil released;
  return call();
}

std::unique_ptr<arrow::Table> read_stream(py::handle capsule) {
  arrow::Stream stream = taken<ArrowArrayStream>(capsule, "arrow_array_stream");
  const arrow::Schema schema = called_without_gil([&] { return arrow::schema_of(stream); });
  auto table = std::make_unique<arrow::Table>(*schema.get());
  while (arrow::Array batch = called_without_gil([&] { return arrow::next_of(stream); })) {
    table->append(std::move(batch));
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
  return table;
}

std::unique_ptr<arrow::Table> read_array(py::handle schema_capsule, py::handle array_capsule) {
  const arrow::Schema schema = taken<ArrowSchema>(schema_capsule, "arrow_schema");
  arrow::Array array = taken<ArrowArray>(array_capsule, "arrow_array");
  auto table = std::make_unique<arrow::Table>(*schema.get());
  table->append(std::move(array));
  return table;
}

py::object names_of(const arrow::Table& table) {
  if (!table.has_columns()) return py::none();
  py::list names;
  for (const arrow::Column& column : table.columns()) names.append(py::str(column.name));
  return py::tuple(names);
}

template <class Of>
py::tuple of_each_column(const arrow::Table& table, Of of) {
  py::list found;
  for (const arrow::Column& column : table.columns()) found.append(of(column));
  return py::tuple(found);
}

using Described = std::tuple<std::uintptr_t, std::uintptr_t, std::int64_t, std::int64_t, std::int64_t>;

std::vector<Described> chunks_of(const arrow::Table& table, std::size_t j) {
  std::vector<Described> found;
  for (const arrow::Chunk& chunk : table.columns().at(j).chunks) {
    found.emplace_back(reinterpret_cast<std::uintptr_t>(chunk.values), reinterpret_cast<std::uintptr_t>(chunk.validity),
                       chunk.first, chunk.rows, chunk.nulls);
  }
  return found;
}

}  // namespace

void register_arrow(py::module_& m) {
  py::register_exception<arrow::Refused>(m, "ArrowError", PyExc_ValueError);
  py::class_<arrow::Table>(m, "ArrowTable", R"(Columns that came through Arrow's C Data Interface, where they lie.

Attributes
----------
names : tuple of str or None
    None of a single column, which has no columns of its own.
kinds : tuple of str
    Types of the columns: "float32", "bool", "timestamp".
numbers : tuple of bool
    Whether they are of numbers or Booleans; or have nulls only.
nulls : tuple of int
    How many there are in each column.
)")
      .def_property_readonly("names", &names_of)
      .def_property_readonly(
          "kinds", [](const arrow::Table& t) { return of_each_column(t, [](const auto& c) { return c.type.name; }); })
      .def_property_readonly("numbers",
                             [](const arrow::Table& t) {
                               return of_each_column(t, [](const auto& c) {
                                 return c.type.nothing || c.type.storage != arrow::Storage::none;
                               });
                             })
      .def_property_readonly(
          "nulls", [](const arrow::Table& t) { return of_each_column(t, [](const auto& c) { return c.nulls; }); })
      .def("__len__", &arrow::Table::rows)
      .def("chunks", &chunks_of, py::arg("j"), R"(chunks(j)
--

Where the parts of column j lie: (address of numbers, address of validity bits or 0, first, rows, nulls) of each.
)");
  m.def("arrow_stream", &read_stream, py::arg("capsule"), R"(arrow_stream(capsule)
--

Read a stream to its end, from a capsule "arrow_array_stream", which can be read once.
)");
  m.def("arrow_array", &read_array, py::arg("schema"), py::arg("array"), R"(arrow_array(schema, array)
--

Take over one array or record batch, from the capsules "arrow_schema" and "arrow_array".
)");
}

}  // namespace gdfast::bindings
