#include "engine/models.hpp"

#include <vector>

#include "gradient.hpp"
#include "models.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {
namespace {

// x, and how many models there are.
ModelSamples data(py::handle x, std::int64_t models) {
  ModelSamples samples{.x = {}, .s = {}, .y = {}, .y_pred = {}, .models = models};
  bool one_dimensional = false;
  if (!as_data(x, samples.x, samples.table, one_dimensional)) unconverted();
  return samples;
}

MatrixView matrix(py::handle array) {
  MatrixView view{};
  bool one_dimensional = false;
  if (!as_matrix(array, view, one_dimensional)) unconverted();
  return view;
}

// A column for each model; one for all of them where it is an array (n,).
MatrixView columns(py::handle array) {
  MatrixView view{};
  bool one_dimensional = false;
  if (!as_matrix(array, view, one_dimensional)) unconverted();
  if (one_dimensional) view.column_stride = 0;
  return view;
}

VectorView vector(py::handle array) {
  if (array.is_none()) return {};
  std::int64_t size = 0;
  const auto view = as_vector(array, size);
  if (!view) unconverted();
  return *view;
}

// The gradients' array: the user's, where there is one that fits.
template <class T>
py::object gradients_into(py::handle out, py::handle x, std::int64_t d, std::int64_t models) {
  if (out.is_none()) return new_array<T>(d, models);
  MatrixView view{};
  bool one_dimensional = false;
  const auto size = static_cast<std::ptrdiff_t>(sizeof(T));
  const bool fits = as_matrix(out, view, one_dimensional) && !one_dimensional && view.n == d && view.d == models &&
                    view.dtype == kDType<T> && (view.row_stride == models * size || d == 1) &&
                    (view.column_stride == size || models == 1) &&
                    reinterpret_cast<std::uintptr_t>(view.data) % alignof(T) == 0 &&
                    py::reinterpret_borrow<py::array>(out).writeable();
  if (!fits) validate("out", {out, x, py::int_(models)});
  return py::reinterpret_borrow<py::object>(out);
}

template <class T>
PyObject* evaluate(const py::tuple& problem, const ModelSamples& samples, Reduction reduction, py::handle out) {
  const Weights weights{matrix(problem[2]), vector(problem[3])};
  py::object grad = gradients_into<T>(out, problem[0], samples.x.d, samples.models);
  std::vector<Loss> found(static_cast<std::size_t>(samples.models));
  without_gil(samples.x.n * samples.x.d * samples.models, [&](const Stop* ctrl_c) {
    losses_and_gradients<T>(samples, weights, reduction, data_of<T>(grad), found.data(), ctrl_c);
  });
  py::object loss = new_array<double>(samples.models), grad_b = new_array<double>(samples.models);
  for (std::int64_t k = 0; k < samples.models; ++k) {
    data_of<double>(loss)[k] = found[static_cast<std::size_t>(k)].loss;
    data_of<double>(grad_b)[k] = found[static_cast<std::size_t>(k)].grad_b;
  }
  if (problem[3].is_none()) return pair(loss.release().ptr(), grad.release().ptr());
  return pair(loss.release().ptr(), pair(grad.release().ptr(), grad_b.release().ptr()));
}

}  // namespace

PyObject* losses_and_gradients(const py::tuple& problem, Reduction reduction, py::handle out) {
  ModelSamples samples = data(problem[0], matrix(problem[2]).d);
  samples.s = vector(problem[4]);
  samples.y = columns(problem[1]);
  return computed(samples.x.dtype) == DType::f32 ? evaluate<float>(problem, samples, reduction, out)
                                                 : evaluate<double>(problem, samples, reduction, out);
}

py::object predictions(const py::tuple& prediction) {
  const Weights weights{matrix(prediction[1]), vector(prediction[2])};
  const ModelSamples samples = data(prediction[0], weights.w.d);
  return with_dtype(samples.x.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    py::object y_pred = new_array<T>(samples.models, samples.x.n);
    without_gil(samples.x.n * samples.x.d * samples.models,
                [&](const Stop* ctrl_c) { forward(samples, weights, data_of<T>(y_pred), ctrl_c); });
    return y_pred.attr("T");
  });
}

py::object losses(const py::tuple& residual, Reduction reduction) {
  const MatrixView y = matrix(residual[0]), y_pred = matrix(residual[1]);
  return with_dtype(y.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    py::object loss = new_array<double>(y.d);
    double* const into = data_of<double>(loss);
    without_gil(y.n * y.d, [&](const Stop* ctrl_c) {
      for (std::int64_t k = 0; k < y.d; ++k) {
        into[k] = squared_error<T>(column(y, k), column(y_pred, k), y.n, reduction, ctrl_c);
      }
    });
    return loss;
  });
}

py::object gradients_in_w(const py::tuple& gradient, Reduction reduction) {
  const MatrixView y_pred = matrix(gradient[2]);
  ModelSamples samples = data(gradient[0], y_pred.d);
  samples.y = columns(gradient[1]);
  samples.y_pred = y_pred;
  return with_dtype(samples.x.dtype, [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    py::object grad = new_array<T>(samples.x.d, samples.models);
    without_gil(samples.x.n * samples.x.d * samples.models,
                [&](const Stop* ctrl_c) { gradients(samples, reduction, data_of<T>(grad), ctrl_c); });
    return grad;
  });
}

}  // namespace gdfast::bindings
