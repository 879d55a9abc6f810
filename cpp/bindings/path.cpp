// The moments of folds in, a path out.
#include "engine/solve/path.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <vector>

#include "functions.hpp"
#include "gil.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {
namespace {

namespace py = pybind11;
using Numbers = py::array_t<double, py::array::c_style>;

// Called by gdfast.path alone, with arrays that it has made: k of (d + 2, d + 2) and of (d + 1,).
py::object path_of(const std::vector<Numbers>& matrices, const std::vector<Numbers>& origins, const Numbers& ratios,
                   const py::object& penalties, py::ssize_t count, double eps, bool fit_intercept, bool standardize) {
  const auto k = static_cast<py::ssize_t>(matrices.size());
  const py::ssize_t size = matrices.front().shape(0), d = size - 2, r = ratios.shape(0);
  PathOptions options{
      .fit_intercept = fit_intercept, .standardize = standardize, .ratios = {}, .count = count, .eps = eps};
  options.ratios.assign(ratios.data(), ratios.data() + r);
  std::vector<Gram> folds;
  for (std::size_t i = 0; i < matrices.size(); ++i) folds.push_back({matrices[i].data(), origins[i].data(), d});

  const bool given = !penalties.is_none();
  Numbers found({r, count});
  if (given) {
    const Numbers asked = py::cast<Numbers>(penalties);
    std::copy_n(asked.data(), r * count, found.mutable_data());
  }
  Numbers coefs({r, count, d}), intercepts({r, count}), df({r, count}), gaps({r, count});
  Numbers matrix({size, size}), origin(size - 1);
  Numbers losses({k > 1 ? k : 0, r, count});
  const PathRoom room{.penalties = found.mutable_data(),
                      .given = given,
                      .coefs = coefs.mutable_data(),
                      .intercepts = intercepts.mutable_data(),
                      .df = df.mutable_data(),
                      .gaps = gaps.mutable_data(),
                      .matrix = matrix.mutable_data(),
                      .origin = origin.mutable_data(),
                      .losses = losses.mutable_data()};
  py::object error = py::none();
  const Stop stop = SignalCheck(error);
  {
    const ReleasedGil released;
    solve_path(folds, options, room, &stop);
  }
  if (!error.is_none()) raise(error);
  return py::make_tuple(found, coefs, intercepts, df, gaps, losses, matrix, origin);
}

}  // namespace

void register_path(py::module_& m) {
  m.def("path", &path_of, py::arg("matrices"), py::arg("origins"), py::arg("ratios"), py::arg("penalties"),
        py::arg("count"), py::arg("eps"), py::arg("fit_intercept"), py::arg("standardize"),
        R"(path(matrices, origins, ratios, penalties, count, eps, fit_intercept, standardize)
--

A path of penalties on the moments of folds, whose matrices and origins are lists; `gdfast.path` is the way to call it.

Returns
-------
tuple
    ``(penalties, coefs, intercepts, df, gaps, losses, matrix, origin)`` of shapes (R, P), (R, P, d), (R, P), (R, P),
    (R, P) and (k, R, P): losses are of each fold at the coefficients of all others, and have no rows where there is one
    fold. The last two are the moments of all rows.
)");
}

}  // namespace gdfast::bindings
