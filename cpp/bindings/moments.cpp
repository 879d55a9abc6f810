#include "engine/moments.hpp"

#include <functional>

#include "arrays.hpp"
#include "engine/sources/matrix.hpp"
#include "functions.hpp"
#include "gil.hpp"
#include "gradient.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {
namespace {

py::object moments_of(py::handle x, py::handle y, py::handle sample_weight) {
  Inputs inputs;
  take_samples(x, y, sample_weight, inputs);
  const std::int64_t size = inputs.x.d + 2;
  py::object gram = new_array<double>(size, size), origin = new_array<double>(size - 1);
  auto* const into = data_of<double>(gram);
  auto* const about = data_of<double>(origin);
  Counters counters;
  py::object error = py::none();
  SignalCheck signals(error);
  const Stop stop = std::ref(signals);
  {
    const ReleasedGil released(worth_releasing_gil(inputs.x));
    const Samples samples{inputs.x, inputs.y, inputs.s, {}};
    if (inputs.x.dtype == DType::f32) {
      moments(MatrixSource<float>(samples), into, about, counters, &stop);
    } else {
      moments(MatrixSource<double>(samples), into, about, counters, &stop);
    }
  }
  if (!error.is_none()) raise(error);
  return py::make_tuple(gram, origin, counters.bytes_read.load(), counters.peak.load());
}

}  // namespace

void register_moments(py::module_& m) {
  m.def("moments", &moments_of, py::arg("x"), py::arg("y"), py::arg("sample_weight") = py::none(),
        R"(moments(x, y, sample_weight=None)
--

The moments of a data set, in one read; `gdfast.Moments` is the way to call it.

Returns
-------
tuple
    ``(gram, origin, bytes_read, peak_bytes)``: `gram` is the float64 matrix (d + 2, d + 2) of the sums of
    ``s * z_j * z_k`` over the rows ``z = [x - o, 1, y - p]``, `origin` (d + 1,) holds o and p, which lie near the
    data; then what was read of the three arrays, and the working memory at its peak.
)");
}

}  // namespace gdfast::bindings
