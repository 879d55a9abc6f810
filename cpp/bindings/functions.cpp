#include "functions.hpp"

#include <limits>

#include "arrays.hpp"
#include "engine/least_squares.hpp"
#include "gil.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {
namespace {

// More than a few milliseconds, from memory or a disk: then Ctrl-C shouldn't have to wait for the end.
bool takes_long(const MatrixView& x) { return x.n * x.d >= 16 << 20; }

// Calls f with a null pointer whose type is x's dtype.
template <class F>
py::object with_dtype(DType dtype, F f) {
  return dtype == DType::f32 ? f(static_cast<float*>(nullptr)) : f(static_cast<double*>(nullptr));
}

template <class T>
py::array new_array(std::int64_t size) {
  return py::array(py::dtype::of<T>(), py::array::ShapeContainer{size});
}

// Where the gradient goes: a number, an array of the user's, or a new one.
template <class T>
class Gradient {
 public:
  Gradient(const MatrixView& x, bool one_dimensional, py::handle x_object, py::handle out) : number_(one_dimensional) {
    if (!out.is_none()) {
      std::int64_t size = 0;
      const auto view = as_vector(out, size);
      const bool fits = view && size == x.d && view->dtype == kDType<T> && view->stride == sizeof(T) && !number_ &&
                        reinterpret_cast<std::uintptr_t>(view->data) % alignof(T) == 0 &&
                        py::reinterpret_borrow<py::array>(out).writeable();
      if (!fits) validate("out", {out, x_object});
      array_ = py::reinterpret_borrow<py::array>(out);
    } else if (!number_) {
      array_ = new_array<T>(x.d);
    }
    if (!number_) data_ = static_cast<T*>(array_.mutable_data());
  }

  T* data() { return number_ ? &value_ : data_; }
  py::object result() { return number_ ? py::object(py::float_(static_cast<double>(value_))) : py::object(array_); }

 private:
  bool number_;
  T value_ = T(0);
  T* data_ = nullptr;
  py::array array_{py::reinterpret_steal<py::array>(py::handle())};
};

py::object loss_and_gradient(py::handle x, py::handle y, py::handle w, py::handle b, py::handle sample_weight,
                             py::handle reduction, py::handle out) {
  Inputs inputs;
  take_problem(x, y, w, b, sample_weight, inputs);
  const Reduction mean_or_sum = take_reduction(reduction);
  return with_dtype(inputs.x.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    Gradient<T> grad(inputs.x, inputs.one_dimensional, x, out);
    std::vector<T> room;
    const T* const start = weights(inputs, room);
    Loss loss{};
    bool negative = false;
    py::object error;
    {
      const ReleasedGil released(worth_releasing_gil(inputs.x));
      const Stop ctrl_c = takes_long(inputs.x) ? Stop(SignalCheck(error)) : Stop();
      const MatrixSource<T> source({inputs.x, inputs.y, inputs.s, {}});
      LeastSquares<T>(source, mean_or_sum)
          .evaluate(start, static_cast<T>(inputs.b), grad.data(), loss, ctrl_c ? &ctrl_c : nullptr, nullptr, &negative);
    }
    if (error) raise(error);
    if (negative || !(loss.weight > 0 && loss.weight < std::numeric_limits<double>::infinity())) {
      refuse_weights(x, y, w, b, sample_weight);
    }
    if (b.is_none()) return py::make_tuple(loss.loss, grad.result());
    return py::make_tuple(loss.loss, py::make_tuple(grad.result(), loss.grad_b));
  });
}

py::object predict(py::handle x, py::handle w, py::handle b) {
  Inputs inputs;
  take_prediction(x, w, b, inputs);
  return with_dtype(inputs.x.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    py::array y_pred = new_array<T>(inputs.x.n);
    T* const into = static_cast<T*>(y_pred.mutable_data());
    std::vector<T> room;
    const T* const start = weights(inputs, room);
    const ReleasedGil released(worth_releasing_gil(inputs.x));
    forward(MatrixSource<T>({inputs.x, {}, {}, {}}), start, static_cast<T>(inputs.b), into);
    return y_pred;
  });
}

py::object mean_or_sum_loss(py::handle y, py::handle y_pred, py::handle reduction) {
  Residual inputs;
  take_residual(y, y_pred, inputs);
  const Reduction mean_or_sum = take_reduction(reduction);
  return with_dtype(inputs.y.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    double loss = 0;
    {
      const ReleasedGil released(worth_releasing_gil(inputs.n));
      loss = squared_error<T>(inputs.y, inputs.y_pred, inputs.n, mean_or_sum);
    }
    return py::float_(loss);
  });
}

py::object gradient_in_w(py::handle x, py::handle y, py::handle y_pred, py::handle reduction) {
  Residual inputs;
  take_gradient(x, y, y_pred, inputs);
  const Reduction mean_or_sum = take_reduction(reduction);
  return with_dtype(inputs.x.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    Gradient<T> grad(inputs.x, inputs.one_dimensional, x, py::none());
    {
      const ReleasedGil released(worth_releasing_gil(inputs.x));
      gradient(MatrixSource<T>({inputs.x, inputs.y, {}, inputs.y_pred}), mean_or_sum, grad.data());
    }
    return grad.result();
  });
}

py::object probe_sum(const py::array& x) {
  MatrixView view{};
  bool one_dimensional = false;
  if (!as_matrix(x, view, one_dimensional) || (x.flags() & (py::array::c_style | py::array::f_style)) == 0) {
    throw py::value_error("probe_sum: x must be a contiguous float32 or float64 array with one or two dimensions");
  }
  return with_dtype(view.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    double total = 0;
    {
      const ReleasedGil released(worth_releasing_gil(view));
      total = sum(reinterpret_cast<const T*>(view.data), view.n * view.d);
    }
    return py::float_(total);
  });
}

}  // namespace

void register_functions(py::module_& m) {
  using py::arg;
  m.def("loss_and_gradient", &loss_and_gradient, arg("x"), arg("y"), arg("w"), arg("b") = py::none(), py::kw_only(),
        arg("sample_weight") = py::none(), arg("reduction") = "mean", arg("out") = py::none(),
#include "docs/loss_and_gradient.inc"
  );
  m.def("forward", &predict, arg("x"), arg("w"), arg("b") = py::none(),
#include "docs/forward.inc"
  );
  m.def("loss", &mean_or_sum_loss, arg("y"), arg("y_pred"), py::kw_only(), arg("reduction") = "mean",
#include "docs/loss.inc"
  );
  m.def("gradient", &gradient_in_w, arg("x"), arg("y"), arg("y_pred"), py::kw_only(), arg("reduction") = "mean",
#include "docs/gradient.inc"
  );
  m.def("probe_sum", &probe_sum, arg("x"), R"(probe_sum(x)
--

The sum of a contiguous array, read as fast as the machine can: the measure of its read bandwidth.

Parameters
----------
x : ndarray, float32 or float64, contiguous

Returns
-------
float
    With the same threads and segments as `loss_and_gradient` would use.
)");
}

}  // namespace gdfast::bindings
