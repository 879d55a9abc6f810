#include "engine/moments.hpp"

#include <functional>
#include <stdexcept>

#include "arrays.hpp"
#include "engine/moments_grouped.hpp"
#include "engine/sources/samples.hpp"
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
    const Samples samples = inputs.samples();
    if (computed(inputs.x.dtype) == DType::f32) {
      moments(SamplesSource<float>(samples).get(), into, about, counters, &stop);
    } else {
      moments(SamplesSource<double>(samples).get(), into, about, counters, &stop);
    }
  }
  if (!error.is_none()) raise(error);
  return py::make_tuple(gram, origin, counters.bytes_read.load(), counters.peak.load());
}

// int64, contiguous and of this length: what Python makes of group numbers.
const std::int64_t* group_numbers(py::handle group, std::int64_t n) {
  const auto array = py::reinterpret_borrow<py::array>(group);
  const bool fits = array.ndim() == 1 && array.shape(0) == n && array.dtype().equal(py::dtype::of<std::int64_t>()) &&
                    (array.flags() & py::array::c_style) != 0;
  if (!fits) throw std::runtime_error("group numbers are no contiguous int64: please report this");
  return static_cast<const std::int64_t*>(array.data());
}

py::object moments_of_groups(py::handle x, py::handle y, py::handle sample_weight, py::handle group,
                             std::int64_t count) {
  Inputs inputs;
  take_samples(x, y, sample_weight, inputs);
  const std::int64_t* const ids = group_numbers(group, inputs.x.n);
  const std::int64_t size = inputs.x.d + 2;
  py::object grams = new_array<double>(count, size, size), origins = new_array<double>(count, size - 1);
  py::object sizes = new_array<std::int64_t>(count);
  auto *const into = data_of<double>(grams), *const about = data_of<double>(origins);
  auto* const rows = data_of<std::int64_t>(sizes);
  Counters counters;
  py::object error = py::none();
  SignalCheck signals(error);
  const Stop stop = std::ref(signals);
  bool valid = false;
  {
    const ReleasedGil released(worth_releasing_gil(inputs.x));
    const Groups groups(ids, inputs.x.n, count);
    valid = groups.valid();
    if (valid) {
      for (std::int64_t g = 0; g < count; ++g) rows[g] = groups.size(g);
      const Samples samples = inputs.samples();
      const auto sum =
          computed(inputs.x.dtype) == DType::f32 ? gdfast::moments_of_groups<float> : gdfast::moments_of_groups<double>;
      sum(samples, groups, into, about, counters, &stop);
    }
  }
  if (!error.is_none()) raise(error);
  if (!valid) return py::none();
  return py::make_tuple(grams, origins, sizes, counters.bytes_read.load(), counters.peak.load());
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
  m.def("moments_of_groups", &moments_of_groups, py::arg("x"), py::arg("y"), py::arg("sample_weight"), py::arg("group"),
        py::arg("count"),
        R"(moments_of_groups(x, y, sample_weight, group, count)
--

The moments of groups of rows, in one read: those of each have the bits of `moments` of its rows alone.

Returns
-------
tuple or None
    ``(grams, origins, sizes, bytes_read, peak_bytes)``, the first three with a row for each of `count` groups; zeros
    where a group has no rows. None where `group`, contiguous int64 (n,), holds other numbers than 0 to ``count - 1``.
)");
}

}  // namespace gdfast::bindings
