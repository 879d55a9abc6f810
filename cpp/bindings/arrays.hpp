// Users' arrays in. What is an array of floats of the right shape is taken as it lies; anything else goes to
// gdfast.validation, which converts it or raises the error that explains.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <initializer_list>
#include <optional>
#include <vector>

#include "columns.hpp"
#include "engine/least_squares.hpp"
#include "engine/matrix_view.hpp"

namespace gdfast::bindings {

namespace py = pybind11;

// The arguments of loss_and_gradient, of some of them, as views. Holds the converted arrays that the views point into, if any.
struct Inputs {
  MatrixView x;
  VectorView y, s;
  VectorView w;     // d elements
  TableView table;  // where x is one: its view has no more than the size
  double b = 0;
  bool one_dimensional = false;  // x is (n,): w and its gradient are numbers
  double w_number = 0;           // what w points to then
  bool several = false;          // w is (d, K): what there is to read is in keep_alive
  py::object keep_alive;

  Inputs() = default;
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;

  Samples samples() const { return {x, y, s, {}, table}; }
};

// Calls f with a null pointer to what numbers of this dtype are computed in.
template <class F>
py::object with_dtype(DType dtype, F f) {
  return computed(dtype) == DType::f32 ? f(static_cast<float*>(nullptr)) : f(static_cast<double*>(nullptr));
}

[[noreturn]] void unconverted();

// What gdfast.validation's `function` makes of the arguments. Python code, during which a thread may be ended.
py::object validate(const char* function, std::initializer_list<py::handle> arguments);

// Views of an array: a vector of float32 or float64, a matrix of any storage type. Nothing if it is no such array.
std::optional<VectorView> as_vector(py::handle object, std::int64_t& size);
bool as_matrix(py::handle object, MatrixView& x, bool& one_dimensional);
// An array or a table. Of a table x is only told the size.
bool as_data(py::handle object, MatrixView& x, TableView& table, bool& one_dimensional);

// A gdfast.Scan: it is read piece by piece, in Python. Of an array the answer is a comparison of two addresses.
bool is_scan(py::handle x);

void take_problem(py::handle x, py::handle y, py::handle w, py::handle b, py::handle sample_weight, Inputs& inputs);
// Raises what validation says of these weights; nothing if it has nothing to say.
void refuse_weights(py::handle x, py::handle y, py::handle w, py::handle b, py::handle sample_weight);
void take_samples(py::handle x, py::handle y, py::handle sample_weight, Inputs& inputs);
void take_prediction(py::handle x, py::handle w, py::handle b, Inputs& inputs);

// x, y, and y_pred for gradient; y and y_pred for loss.
struct Residual {
  MatrixView x;
  VectorView y, y_pred;
  TableView table;
  std::int64_t n = 0;
  bool one_dimensional = false;
  bool several = false;  // y_pred is (n, K), as above
  py::object keep_alive;
};

void take_gradient(py::handle x, py::handle y, py::handle y_pred, Residual& inputs);
void take_residual(py::handle y, py::handle y_pred, Residual& inputs);

Reduction take_reduction(py::handle value);

// Where w is kept as T if it doesn't lie ready.
template <class T>
struct WeightRoom {
  T number;  // of 1-D x
  std::vector<T> array;
};

// w as T: the array itself where it can be used as it lies, otherwise a copy in `room`.
template <class T>
const T* weights(const Inputs& inputs, WeightRoom<T>& room);

// Is there enough work on so many numbers, or on x, to let other Python threads run meanwhile? Safe wherever no Python
// object is touched: the views point into arrays that the caller's arguments keep alive.
inline bool worth_releasing_gil(std::int64_t numbers) { return numbers >= 16384; }
inline bool worth_releasing_gil(const MatrixView& x) { return worth_releasing_gil(x.n * x.d); }

}  // namespace gdfast::bindings
