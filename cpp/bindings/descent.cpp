#include "engine/descent.hpp"

#include "arrays.hpp"
#include "functions.hpp"
#include "gil.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {
namespace {

template <class T>
py::array copy_of(const std::vector<T>& values) {
  return py::array(py::dtype::of<T>(), py::array::ShapeContainer{static_cast<py::ssize_t>(values.size())},
                   values.data());
}

// Calls the user's callback. What it raises ends the descent.
template <class T>
class Callback {
 public:
  Callback(py::handle function, bool has_b, py::object& error) : function_(function), has_b_(has_b), error_(error) {}

  bool operator()(std::int64_t iteration, const Descent<T>& descent) const {
    const HeldGil gil;
    try {
      const py::object b = has_b_ ? py::object(py::float_(static_cast<double>(descent.b))) : py::object(py::none());
      const py::object stop = function_(iteration, copy_of(descent.w), b, descent.losses.back());
      const int truth = PyObject_IsTrue(stop.ptr());
      if (truth < 0) throw py::error_already_set();
      return truth != 0;
    } catch (const py::error_already_set& raised) {
      error_ = exception_of(raised);
      return true;
    }
  }

 private:
  py::handle function_;
  bool has_b_;
  py::object& error_;
};

const char* name(bool has_error, int stopped) {
  constexpr const char* kNames[] = {"n_iters", "callback", "interrupted"};
  return has_error ? "interrupted" : kNames[stopped];
}

py::object descend_from(py::handle x, py::handle y, py::handle w, py::handle b, double learning_rate,
                        std::int64_t n_iters, py::handle reduction, py::handle callback) {
  Inputs inputs;
  take_problem(x, y, w, b, py::none(), inputs);
  const Reduction mean_or_sum = take_reduction(reduction);
  const auto run = [&](auto* none) -> py::object {
    using T = std::remove_pointer_t<decltype(none)>;
    std::vector<T> room;
    const T* const start = weights(inputs, room);
    Descent<T> descent;
    descent.w.assign(start, start + inputs.x.d);
    descent.b = static_cast<T>(inputs.b);
    py::object error = py::none();
    Watcher<T> watcher{nullptr, SignalCheck(error)};
    if (!callback.is_none()) watcher.after_pass = Callback<T>(callback, !b.is_none(), error);
    {
      const ReleasedGil released;
      const LeastSquares<T> problem(inputs.x, inputs.y, inputs.s, mean_or_sum);
      descend(problem, {learning_rate, n_iters, !b.is_none()}, watcher, descent);
    }
    const py::object new_b =
        b.is_none() ? py::object(py::none()) : py::object(py::float_(static_cast<double>(descent.b)));
    return py::make_tuple(copy_of(descent.w), new_b, copy_of(descent.losses), descent.loss, descent.losses.size(),
                          name(!error.is_none(), static_cast<int>(descent.stopped)), error);
  };
  return inputs.x.dtype == DType::f32 ? run(static_cast<float*>(nullptr)) : run(static_cast<double*>(nullptr));
}

}  // namespace

void register_descent(py::module_& m) {
  m.def("descend", &descend_from, py::arg("x"), py::arg("y"), py::arg("w"), py::arg("b"), py::arg("learning_rate"),
        py::arg("n_iters"), py::arg("reduction"), py::arg("callback"),
        R"(descend(x, y, w, b, learning_rate, n_iters, reduction, callback)
--

Full-batch gradient descent from `w` and `b`; `gdfast.fit` is the way to call it.

Returns
-------
tuple
    ``(w, b, losses, loss, n_iters, stop_reason, error)``; `error` is the exception that ended it early, or None.
)");
}

}  // namespace gdfast::bindings
