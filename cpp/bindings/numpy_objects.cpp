#include "numpy_objects.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>

namespace gdfast::bindings {
namespace {

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

}  // namespace

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

const ArrayProxy* array_of(py::handle object) {
  if (Py_TYPE(object.ptr()) != py::detail::npy_api::get().PyArray_Type_) return nullptr;
  return py::detail::array_proxy(object.ptr());
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

}  // namespace gdfast::bindings
