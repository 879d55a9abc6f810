// gdfast.loss_and_gradient. Small problems take a fraction of a microsecond, of which pybind11 would be the larger part:
// so Python calls this function directly.
#include <limits>

#include "arguments.hpp"
#include "arrays.hpp"
#include "engine/one_segment.hpp"
#include "engine/sources/samples.hpp"
#include "functions.hpp"
#include "gil.hpp"
#include "gradient.hpp"
#include "models.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {
namespace {

constexpr Signature<7> kSignature{"loss_and_gradient", {"x", "y", "w", "b", "sample_weight", "reduction", "out"}, 4, 3};

struct Arguments {
  py::handle x, y, w, b, sample_weight, reduction, out;  // reduction may be null

  Arguments(PyObject* const* values, Py_ssize_t given, PyObject* keywords) {
    const auto read = kSignature.read(values, given, keywords);
    const auto or_none = [](PyObject* value) { return value == nullptr ? Py_None : value; };
    x = read[0];
    y = read[1];
    w = read[2];
    b = or_none(read[3]);
    sample_weight = or_none(read[4]);
    reduction = read[5];
    out = or_none(read[6]);
  }
};

template <class T>
void evaluate_segments(const Inputs& inputs, Reduction reduction, const T* w, T* grad, Loss& loss, bool& negative) {
  without_gil(inputs.x.n * inputs.x.d, [&](const Stop* ctrl_c) {
    const SamplesSource<T> source(inputs.samples());
    LeastSquares<T>(source.get(), reduction)
        .evaluate(w, static_cast<T>(inputs.b), grad, loss, ctrl_c, nullptr, &negative);
  });
}

template <class T>
PyObject* evaluate(const Arguments& given, const Inputs& inputs, Reduction reduction) {
  Gradient<T> grad(inputs.x, inputs.one_dimensional, given.x, given.out);
  WeightRoom<T> room;
  const T* const w = weights(inputs, room);
  Loss loss{};
  bool negative = false, done = false;
  if (inputs.x.data != nullptr && !worth_releasing_gil(inputs.x)) {
    done = evaluate_one_segment(inputs.x, inputs.y, inputs.s, reduction, w, static_cast<T>(inputs.b), grad.data(), loss,
                                negative);
  }
  if (!done) evaluate_segments(inputs, reduction, w, grad.data(), loss, negative);
  if (negative || !(loss.weight > 0 && loss.weight < std::numeric_limits<double>::infinity())) {
    refuse_weights(given.x, given.y, given.w, given.b, given.sample_weight);
  }
  if (given.b.is_none()) return pair(PyFloat_FromDouble(loss.loss), grad.release());
  return pair(PyFloat_FromDouble(loss.loss), pair(grad.release(), PyFloat_FromDouble(loss.grad_b)));
}

PyObject* of_scan(const Arguments& given) {
  const py::object reduction = given.reduction ? py::reinterpret_borrow<py::object>(given.reduction) : py::str("mean");
  return given.x.attr("_loss_and_gradient")(given.y, given.w, given.b, given.sample_weight, reduction, given.out)
      .release()
      .ptr();
}

PyObject* loss_and_gradient(PyObject* /*module*/, PyObject* const* values, Py_ssize_t count, PyObject* keywords) {
  return returned_or_raised([&] {
    const Arguments given(values, count, keywords);
    if (is_scan(given.x)) return of_scan(given);
    Inputs inputs;
    take_problem(given.x, given.y, given.w, given.b, given.sample_weight, inputs);
    const Reduction reduction = given.reduction ? take_reduction(given.reduction) : Reduction::mean;
    if (inputs.several) return losses_and_gradients(inputs.keep_alive, reduction, given.out);
    return computed(inputs.x.dtype) == DType::f32 ? evaluate<float>(given, inputs, reduction)
                                                  : evaluate<double>(given, inputs, reduction);
  });
}

}  // namespace

void register_loss_and_gradient(py::module_& m) {
  static PyMethodDef functions[] = {{
                                        "loss_and_gradient",
                                        reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&loss_and_gradient)),
                                        METH_FASTCALL | METH_KEYWORDS,
#include "docs/loss_and_gradient.inc"
                                    },
                                    {}};
  if (PyModule_AddFunctions(m.ptr(), functions) != 0) throw py::error_already_set();
}

}  // namespace gdfast::bindings
