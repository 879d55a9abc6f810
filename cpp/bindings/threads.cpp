#include <stdexcept>
#include <string>

#include "engine/machine.hpp"
#include "engine/thread_pool.hpp"
#include "functions.hpp"

// For threadpoolctl, which finds a library's pool by its symbols.
extern "C" {
__attribute__((visibility("default"))) int gdfast_get_num_threads() { return gdfast::num_threads(); }
__attribute__((visibility("default"))) void gdfast_set_num_threads(int k) { gdfast::set_num_threads(k < 1 ? 1 : k); }
__attribute__((visibility("default"))) const char* gdfast_version() { return GDFAST_VERSION; }
}

namespace gdfast::bindings {
namespace {

namespace py = pybind11;

// Any integer counts (NumPy's too), but for a bool, which is a slip.
void set_threads(py::handle k) {
  const std::string accepted = "; give an integer from 1 to " + std::to_string(kMostThreads);
  if (PyBool_Check(k.ptr()) || !PyIndex_Check(k.ptr())) {
    throw py::type_error("set_num_threads: k is " + std::string(py::str(py::type::handle_of(k).attr("__name__"))) +
                         accepted);
  }
  const py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(k.ptr()));
  if (!number) throw py::error_already_set();
  int overflow = 0;
  const long value = PyLong_AsLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0 || value < 1 || value > kMostThreads) {
    throw py::value_error("set_num_threads: k is " + std::string(py::str(number)) + accepted);
  }
  set_num_threads(static_cast<int>(value));
}

}  // namespace

void register_threads(py::module_& m) {
  m.def("get_num_threads", &num_threads, R"(get_num_threads()
--

The number of threads that large problems are shared between.

At first ``GDFAST_NUM_THREADS``, or else ``OMP_NUM_THREADS``, or else the CPUs this process may use, by its affinity
mask and its cgroup's quota.

Returns
-------
int

Examples
--------
>>> import gdfast
>>> gdfast.get_num_threads() >= 1
True
)");
  m.def("set_num_threads", &set_threads, py::arg("k"), R"(set_num_threads(k)
--

Share large problems between `k` threads from now on.

Results have the same bits for every `k`.

Parameters
----------
k : int
    From 1 to 1024.

Raises
------
TypeError
    `k` is no int.
ValueError
    `k` is out of range.

Examples
--------
>>> import gdfast
>>> before = gdfast.get_num_threads()
>>> gdfast.set_num_threads(1)
>>> gdfast.get_num_threads()
1
>>> gdfast.set_num_threads(before)
)");
}

}  // namespace gdfast::bindings
