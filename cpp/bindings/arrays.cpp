#include "arrays.hpp"

#include <string_view>

#include "engine/pack.hpp"
#include "gil.hpp"
#include "numpy_objects.hpp"

namespace gdfast::bindings {
namespace {

bool is_matrix(py::handle object) {
  const ArrayProxy* array = array_of(object);
  return array != nullptr && array->nd == 2;
}

bool vector_of(py::handle object, std::int64_t n, VectorView& view) {
  std::int64_t size = 0;
  const auto vector = as_vector(object, size);
  if (!vector || size != n) return false;
  view = *vector;
  return true;
}

bool read_samples(py::handle x, py::handle y, py::handle s, Inputs& inputs) {
  return as_data(x, inputs.x, inputs.table, inputs.one_dimensional) && vector_of(y, inputs.x.n, inputs.y) &&
         (s.is_none() || vector_of(s, inputs.x.n, inputs.s));
}

// x, w and b; false where they need validation.
bool read_model(py::handle x, py::handle w, py::handle b, Inputs& inputs) {
  if (!as_data(x, inputs.x, inputs.table, inputs.one_dimensional)) return false;
  if (!b.is_none() && !as_number(b, inputs.b)) return false;
  if (!inputs.one_dimensional) return vector_of(w, inputs.x.d, inputs.w);
  if (!as_number(w, inputs.w_number)) return false;
  inputs.w = {reinterpret_cast<const char*>(&inputs.w_number), 0, DType::f64};
  return true;
}

bool read_problem(py::handle x, py::handle y, py::handle w, py::handle b, py::handle s, Inputs& inputs) {
  return read_model(x, w, b, inputs) && vector_of(y, inputs.x.n, inputs.y) &&
         (s.is_none() || vector_of(s, inputs.x.n, inputs.s));
}

bool read_residual(py::handle y, py::handle y_pred, Residual& inputs) {
  const auto first = as_vector(y, inputs.n);
  if (!first || inputs.n == 0) return false;
  inputs.y = *first;
  return vector_of(y_pred, inputs.n, inputs.y_pred);
}

bool read_gradient(py::handle x, py::handle y, py::handle y_pred, Residual& inputs) {
  return as_data(x, inputs.x, inputs.table, inputs.one_dimensional) && read_residual(y, y_pred, inputs) &&
         inputs.n == inputs.x.n;
}

}  // namespace

[[noreturn]] void unconverted() {
  throw std::runtime_error("gdfast.validation let through what the kernels can't take: please report this");
}

py::object validate(const char* function, std::initializer_list<py::handle> arguments) {
  PyObject* result = nullptr;
  or_wait_for_the_end([&] {
    PyObject* const validation = PyImport_ImportModule("gdfast.validation");
    PyObject* const check = validation == nullptr ? nullptr : PyObject_GetAttrString(validation, function);
    // A handle is nothing but a pointer to an object.
    const auto* const objects = reinterpret_cast<PyObject* const*>(arguments.begin());
    if (check != nullptr) result = PyObject_Vectorcall(check, objects, arguments.size(), nullptr);
    Py_XDECREF(check);
    Py_XDECREF(validation);
  });
  if (result == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

std::optional<VectorView> as_vector(py::handle object, std::int64_t& size) {
  const ArrayProxy* array = array_of(object);
  if (array == nullptr || array->nd != 1) return std::nullopt;
  const auto dtype = float_dtype(array);
  if (!dtype) return std::nullopt;
  size = array->dimensions[0];
  return VectorView{array->data, size == 1 ? size_of(*dtype) : array->strides[0], *dtype};
}

bool as_matrix(py::handle object, MatrixView& x, bool& one_dimensional) {
  const ArrayProxy* array = array_of(object);
  if (array == nullptr || array->nd < 1 || array->nd > 2) return false;
  const auto dtype = stored_dtype(array);
  if (!dtype) return false;
  one_dimensional = array->nd == 1;
  const std::int64_t d = one_dimensional ? 1 : array->dimensions[1];
  x = {array->data, array->dimensions[0], d, array->strides[0], one_dimensional ? size_of(*dtype) : array->strides[1],
       *dtype};
  return x.n > 0 && x.d > 0;
}

bool is_scan(py::handle x) {
  PyTypeObject* const type = Py_TYPE(x.ptr());
  return type != py::detail::npy_api::get().PyArray_Type_ &&
         PyObject_HasAttrString(reinterpret_cast<PyObject*>(type), "_loss_and_gradient") != 0;
}

bool as_data(py::handle object, MatrixView& x, TableView& table, bool& one_dimensional) {
  if (as_matrix(object, x, one_dimensional)) return true;
  if (!py::isinstance<Columns>(object)) return false;
  const auto& columns = object.cast<const Columns&>();
  x = columns.size();
  table = columns.view();
  one_dimensional = false;
  return true;
}

void take_problem(py::handle x, py::handle y, py::handle w, py::handle b, py::handle sample_weight, Inputs& inputs) {
  if (read_problem(x, y, w, b, sample_weight, inputs)) return;
  inputs.keep_alive = validate("problem", {x, y, w, b, sample_weight, Py_True});
  const py::tuple ready(inputs.keep_alive);
  inputs.several = is_matrix(ready[2]);
  if (!inputs.several && !read_problem(ready[0], ready[1], ready[2], ready[3], ready[4], inputs)) unconverted();
}

void refuse_weights(py::handle x, py::handle y, py::handle w, py::handle b, py::handle sample_weight) {
  validate("problem", {x, y, w, b, sample_weight, Py_True});
}

void take_samples(py::handle x, py::handle y, py::handle sample_weight, Inputs& inputs) {
  if (read_samples(x, y, sample_weight, inputs)) return;
  const py::str name("x");
  inputs.keep_alive = validate("samples", {x, y, sample_weight, name, Py_True});
  const py::tuple ready(inputs.keep_alive);
  if (!read_samples(ready[0], ready[1], ready[2], inputs)) unconverted();
}

void take_prediction(py::handle x, py::handle w, py::handle b, Inputs& inputs) {
  if (read_model(x, w, b, inputs)) return;
  inputs.keep_alive = validate("prediction", {x, w, b, Py_True});
  const py::tuple ready(inputs.keep_alive);
  inputs.several = is_matrix(ready[1]);
  if (!inputs.several && !read_model(ready[0], ready[1], ready[2], inputs)) unconverted();
}

void take_gradient(py::handle x, py::handle y, py::handle y_pred, Residual& inputs) {
  if (read_gradient(x, y, y_pred, inputs)) return;
  inputs.keep_alive = validate("gradient", {x, y, y_pred, Py_True});
  const py::tuple ready(inputs.keep_alive);
  inputs.several = is_matrix(ready[2]);
  if (!inputs.several && !read_gradient(ready[0], ready[1], ready[2], inputs)) unconverted();
}

void take_residual(py::handle y, py::handle y_pred, Residual& inputs) {
  if (read_residual(y, y_pred, inputs)) return;
  inputs.keep_alive = validate("residual", {y, y_pred});
  const py::tuple ready(inputs.keep_alive);
  inputs.several = is_matrix(ready[1]);
  if (!inputs.several && !read_residual(ready[0], ready[1], inputs)) unconverted();
}

Reduction take_reduction(py::handle value) {
  if (PyUnicode_Check(value.ptr())) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
    if (text == nullptr) throw py::error_already_set();
    const std::string_view name(text, static_cast<std::size_t>(size));
    if (name == "mean") return Reduction::mean;
    if (name == "sum") return Reduction::sum;
  }
  validate("reduction", {value});
  unconverted();
}

template <class T>
const T* weights(const Inputs& inputs, WeightRoom<T>& room) {
  const VectorView& w = inputs.w;
  if (inputs.one_dimensional) {
    room.number = static_cast<T>(inputs.w_number);
    return &room.number;
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(w.data) % alignof(T) == 0;
  if (w.dtype == kDType<T> && w.stride == static_cast<std::ptrdiff_t>(sizeof(T)) && aligned) {
    return reinterpret_cast<const T*>(w.data);
  }
  room.array.resize(static_cast<std::size_t>(inputs.x.d));
  pack_vector(w, 0, inputs.x.d, room.array.data());
  return room.array.data();
}

template const float* weights(const Inputs&, WeightRoom<float>&);
template const double* weights(const Inputs&, WeightRoom<double>&);

}  // namespace gdfast::bindings
