#define GDFAST_COMPACT
#define GDFAST_NO_FETCH
#include "make_table.hpp"
#include "register_scalar.hpp"

namespace gdfast {

constinit const F64Kernels kScalarF64 = make_f64_kernels<Register<ScalarNative<double>, 8>>();

}  // namespace gdfast
