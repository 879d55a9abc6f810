#include "arrays.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <string_view>

#include "engine/pack.hpp"
#include "gil.hpp"

namespace gdfast::bindings {
namespace {

using ArrayProxy = py::detail::PyArray_Proxy;

using Api = py::detail::npy_api;

// NumPy has no name for bfloat16: this stands for it, wherever such numbers come from.
PyObject* bfloat16 = nullptr;

constexpr DType integer(std::size_t size, bool is_signed) {
  const DType smallest = is_signed ? DType::i8 : DType::u8;
  return static_cast<DType>(static_cast<int>(smallest) + std::countr_zero(size));
}

// By NumPy's type number.
constexpr auto kStored = [] {
  std::array<std::optional<DType>, 24> stored{};
  stored[Api::NPY_BOOL_] = DType::boolean;
  stored[Api::NPY_BYTE_] = DType::i8;
  stored[Api::NPY_UBYTE_] = DType::u8;
  stored[Api::NPY_SHORT_] = integer(sizeof(short), true);
  stored[Api::NPY_USHORT_] = integer(sizeof(short), false);
  stored[Api::NPY_INT_] = integer(sizeof(int), true);
  stored[Api::NPY_UINT_] = integer(sizeof(int), false);
  stored[Api::NPY_LONG_] = integer(sizeof(long), true);
  stored[Api::NPY_ULONG_] = integer(sizeof(long), false);
  stored[Api::NPY_LONGLONG_] = integer(sizeof(long long), true);
  stored[Api::NPY_ULONGLONG_] = integer(sizeof(long long), false);
  stored[Api::NPY_FLOAT_] = DType::f32;
  stored[Api::NPY_DOUBLE_] = DType::f64;
  stored[23] = DType::f16;  // NPY_HALF
  return stored;
}();

// What the array's numbers are, in the machine's byte order; else nothing.
std::optional<DType> stored_dtype(const ArrayProxy* array) {
  const auto* descr = py::detail::array_descriptor_proxy(array->descr);
  if (descr->byteorder != '=' && descr->byteorder != '|') return std::nullopt;
  const auto type = static_cast<std::size_t>(descr->type_num);
  if (type < kStored.size() && kStored[type]) return kStored[type];
  return array->descr == bfloat16 ? std::optional(DType::bf16) : std::nullopt;
}

std::optional<DType> float_dtype(const ArrayProxy* array) {
  const auto dtype = stored_dtype(array);
  return dtype && computed(*dtype) == *dtype ? dtype : std::nullopt;
}

// Subclasses may mean more than their floats (a mask, a unit): validation looks at them.
const ArrayProxy* array_of(py::handle object) {
  if (Py_TYPE(object.ptr()) != py::detail::npy_api::get().PyArray_Type_) return nullptr;
  return py::detail::array_proxy(object.ptr());
}

bool is_matrix(py::handle object) {
  const ArrayProxy* array = array_of(object);
  return array != nullptr && array->nd == 2;
}

// The types of NumPy's scalars that are numbers and nothing else, by type number: the integers and float32. Not bool,
// whose meaning is validation's to say, nor timedelta64, which passes for an integer; and float64 is a Python float.
std::array<PyTypeObject*, Api::NPY_FLOAT_ + 1> numpy_numbers{};

template <class T>
double number_at(const void* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return static_cast<double>(value);
}

// The number of that NumPy type at `data`, which may be misaligned; false where it is none of them.
bool read_number(int type, const void* data, double& number) {
  using Read = double (*)(const void*);
  constexpr Read kRead[] = {nullptr,
                            number_at<signed char>,
                            number_at<unsigned char>,
                            number_at<short>,
                            number_at<unsigned short>,
                            number_at<int>,
                            number_at<unsigned>,
                            number_at<long>,
                            number_at<unsigned long>,
                            number_at<long long>,
                            number_at<unsigned long long>,
                            number_at<float>,
                            number_at<double>};
  static_assert(std::size(kRead) == Api::NPY_DOUBLE_ + 1);
  if (type < Api::NPY_BYTE_ || type > Api::NPY_DOUBLE_) return false;
  number = kRead[type](data);
  return true;
}

// An array () in the machine's byte order.
bool read_array(py::handle object, double& number) {
  const ArrayProxy* array = array_of(object);
  if (array == nullptr || array->nd != 0) return false;
  const auto* descr = py::detail::array_descriptor_proxy(array->descr);
  if (descr->byteorder != '=' && descr->byteorder != '|') return false;
  return read_number(descr->type_num, array->data, number);
}

// NumPy's scalars have their value behind the head of every Python object (numpy/arrayscalars.h).
bool read_scalar(py::handle object, double& number) {
  const auto found = std::ranges::find(numpy_numbers, Py_TYPE(object.ptr()));
  if (found == numpy_numbers.end()) return false;
  return read_number(static_cast<int>(found - numpy_numbers.begin()), object.ptr() + 1, number);
}

bool as_number(py::handle object, double& number) {
  if (PyFloat_Check(object.ptr())) {
    number = PyFloat_AS_DOUBLE(object.ptr());
    return true;
  }
  if (PyLong_CheckExact(object.ptr())) {
    number = PyLong_AsDouble(object.ptr());
    if (number != -1.0 || PyErr_Occurred() == nullptr) return true;
    PyErr_Clear();  // too large: validation says so
    return false;
  }
  return read_scalar(object, number) || read_array(object, number);
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

void learn_numpy_numbers(py::module_& m) {
  py::list field;
  field.append(py::make_tuple("bfloat16", "u2"));
  m.attr("BFLOAT16") = py::dtype::from_args(field);
  bfloat16 = py::object(m.attr("BFLOAT16")).release().ptr();
  for (int type = Api::NPY_BYTE_; type <= Api::NPY_FLOAT_; ++type) {
    py::object scalar = py::dtype(type).attr("type");
    numpy_numbers[static_cast<std::size_t>(type)] = reinterpret_cast<PyTypeObject*>(scalar.release().ptr());
  }
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
