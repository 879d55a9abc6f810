// gdfast.descent's Samples and Options, as the engine has them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "arrays.hpp"
#include "engine/descent/descend.hpp"
#include "engine/solve/gram.hpp"

namespace gdfast::bindings {

namespace py = pybind11;

// The fields of gdfast.descent.Options, in their order there. By number, since looking up twenty names takes longer than
// a hundred small passes.
enum class Option : Py_ssize_t {
  learning_rate,
  n_iters,
  optimizer,
  momentum,
  betas,
  eps,
  batch_size,
  rng,
  l2,
  l1,
  reduction,
  tol,
  patience,
  shift,
  scale,
  target
};
inline constexpr std::size_t kOptions = 16;

inline py::handle get(py::handle options, Option option) {
  return PyTuple_GET_ITEM(options.ptr(), static_cast<Py_ssize_t>(option));
}

inline double number(py::handle options, Option option) { return get(options, option).cast<double>(); }

inline std::int64_t whole(py::handle options, Option option) { return get(options, option).cast<std::int64_t>(); }

// Data as the interface has it: views of samples, a matrix of moments, or both.
struct Input {
  Samples samples{};
  std::optional<Gram> gram;
  std::int64_t d = 0;
};

// A gdfast.descent.Gram, (matrix, origin), whose arrays the caller's arguments keep alive.
inline Gram gram_of(py::handle object) {
  bool one_dimensional = false;
  MatrixView matrix{};
  if (!PyTuple_Check(object.ptr()) || PyTuple_GET_SIZE(object.ptr()) != 2) throw py::type_error("gram is no Gram");
  const py::handle given = PyTuple_GET_ITEM(object.ptr(), 0);
  if (!as_matrix(given, matrix, one_dimensional) || matrix.dtype != DType::f64 || matrix.n != matrix.d ||
      (py::reinterpret_borrow<py::array>(given).flags() & py::array::c_style) == 0) {
    throw py::value_error("gram is no C-contiguous square float64 matrix");
  }
  std::int64_t size = 0;
  const auto origin = as_vector(PyTuple_GET_ITEM(object.ptr(), 1), size);
  if (!origin || size != matrix.d - 1 || origin->dtype != DType::f64 || origin->stride != sizeof(double)) {
    throw py::value_error("origin is no contiguous float64 array that goes with gram");
  }
  return {reinterpret_cast<const double*>(matrix.data), reinterpret_cast<const double*>(origin->data), matrix.d - 2};
}

// Beside moments, samples tell which columns depend on one another: a tiny fit of one column takes no longer for them.
inline Input input_of(py::handle object) {
  Input input;
  if (const py::object gram = object.attr("gram"); !gram.is_none()) {
    input.gram = gram_of(gram);
    input.d = input.gram->d;
    if (input.d == 1 || object.attr("x").is_none()) return input;
  }
  std::int64_t rows = 0;
  bool one_dimensional = false;
  if (!as_data(object.attr("x"), input.samples.x, input.samples.table, one_dimensional)) {
    throw py::type_error("x is no float array, nor a table of such columns");
  }
  const auto vector = [&](const char* name) {
    const auto view = as_vector(object.attr(name), rows);
    if (!view || rows != input.samples.x.n) throw py::value_error(std::string(name) + " doesn't go with x");
    return *view;
  };
  input.samples.y = vector("y");
  if (!object.attr("sample_weight").is_none()) input.samples.s = vector("sample_weight");
  input.d = input.samples.x.d;
  return input;
}

inline DescentOptions options_of(py::handle options, bool fit_intercept) {
  DescentOptions result;
  const auto betas = py::reinterpret_borrow<py::tuple>(get(options, Option::betas));
  result.optimizer = get(options, Option::optimizer).cast<std::string>();
  result.rates = {number(options, Option::learning_rate), number(options, Option::momentum), betas[0].cast<double>(),
                  betas[1].cast<double>(), number(options, Option::eps)};
  result.penalty = {number(options, Option::l2), number(options, Option::l1)};
  result.n_iters = whole(options, Option::n_iters);
  result.fit_intercept = fit_intercept;
  result.reduction = take_reduction(get(options, Option::reduction));
  result.tol = number(options, Option::tol);
  result.patience = whole(options, Option::patience);
  return result;
}

inline Standardization columns_of(py::handle options, std::int64_t d) {
  if (get(options, Option::shift).is_none()) return {};
  const auto column_data = [&](Option option) {
    std::int64_t size = 0;
    const auto view = as_vector(get(options, option), size);
    if (!view || size != d || view->dtype != DType::f64 || view->stride != sizeof(double)) {
      throw py::value_error("shift and scale are no float64 arrays with an entry a column");
    }
    return reinterpret_cast<const double*>(view->data);
  };
  return {column_data(Option::shift), column_data(Option::scale)};
}

// What streamed rows are read less of: the columns' shift, and `target`.
inline Centre centre_of(py::handle options, const Standardization& columns) {
  const py::handle target = get(options, Option::target);
  if (target.is_none()) return {};
  if (!columns) throw py::value_error("there is a target, and no shift");
  return {columns.shift, target.cast<double>()};
}

}  // namespace gdfast::bindings
