#include <pybind11/stl.h>

#include "engine/dispatch.hpp"
#include "engine/machine.hpp"
#include "engine/thread_pool.hpp"
#include "functions.hpp"

namespace gdfast::bindings {
namespace {

namespace py = pybind11;

const char* compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

py::dict config() {
  using namespace py::literals;
  return py::dict("version"_a = GDFAST_VERSION, "compiler"_a = compiler(), "isas_compiled"_a = names(false),
                  "isas_supported"_a = names(true), "isa"_a = active_isa().name, "threads"_a = num_threads(),
                  "l1_bytes"_a = caches().l1, "l2_bytes"_a = caches().l2, "l3_bytes"_a = caches().l3);
}

}  // namespace

void register_config(py::module_& m) {
  m.def("config", &config, R"(config()
--

Version, compiler, instruction sets, threads and cache sizes.

Returns
-------
dict
    ``version``, ``compiler``, ``isas_compiled``, ``isas_supported`` (best first), ``isa`` (the one that runs),
    ``threads``, and ``l1_bytes``, ``l2_bytes``, ``l3_bytes``.
)");
}

}  // namespace gdfast::bindings
