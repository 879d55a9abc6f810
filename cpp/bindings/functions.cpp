#include "functions.hpp"

#include "arrays.hpp"
#include "engine/least_squares.hpp"
#include "engine/sources/samples.hpp"
#include "gil.hpp"
#include "gradient.hpp"
#include "models.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {
namespace {

py::object predict(py::handle x, py::handle w, py::handle b) {
  Inputs inputs;
  take_prediction(x, w, b, inputs);
  if (inputs.several) return predictions(inputs.keep_alive);
  return with_dtype(inputs.x.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    py::object y_pred = new_array<T>(inputs.x.n);
    T* const into = data_of<T>(y_pred);
    WeightRoom<T> room;
    const T* const start = weights(inputs, room);
    without_gil(inputs.x.n * inputs.x.d, [&](const Stop* ctrl_c) {
      const SamplesSource<T> source({inputs.x, {}, {}, {}, inputs.table});
      forward(source.get(), start, static_cast<T>(inputs.b), into, ctrl_c);
    });
    return y_pred;
  });
}

py::object mean_or_sum_loss(py::handle y, py::handle y_pred, py::handle reduction) {
  Residual inputs;
  take_residual(y, y_pred, inputs);
  const Reduction mean_or_sum = take_reduction(reduction);
  if (inputs.several) return losses(inputs.keep_alive, mean_or_sum);
  return with_dtype(inputs.y.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    double loss = 0;
    without_gil(inputs.n, [&](const Stop* ctrl_c) {
      loss = squared_error<T>(inputs.y, inputs.y_pred, inputs.n, mean_or_sum, ctrl_c);
    });
    return py::float_(loss);
  });
}

py::object gradient_in_w(py::handle x, py::handle y, py::handle y_pred, py::handle reduction) {
  Residual inputs;
  take_gradient(x, y, y_pred, inputs);
  const Reduction mean_or_sum = take_reduction(reduction);
  if (inputs.several) return gradients_in_w(inputs.keep_alive, mean_or_sum);
  return with_dtype(inputs.x.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    Gradient<T> grad(inputs.x, inputs.one_dimensional, x, py::none());
    without_gil(inputs.x.n * inputs.x.d, [&](const Stop* ctrl_c) {
      const SamplesSource<T> source({inputs.x, inputs.y, {}, inputs.y_pred, inputs.table});
      gradient(source.get(), mean_or_sum, grad.data(), ctrl_c);
    });
    return py::reinterpret_steal<py::object>(grad.release());
  });
}

py::object probe_sum(const py::array& x) {
  MatrixView view{};
  bool one_dimensional = false;
  if (!as_matrix(x, view, one_dimensional) || computed(view.dtype) != view.dtype ||
      (x.flags() & (py::array::c_style | py::array::f_style)) == 0) {
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
