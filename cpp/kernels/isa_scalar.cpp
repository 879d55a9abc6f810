#define GDFAST_COMPACT
#define GDFAST_NO_FETCH
#include "make_table.hpp"
#include "register_scalar.hpp"

namespace gdfast {

constinit const Kernels kScalarKernels =
    make_kernels<Register<ScalarNative<float>, 16>, Register<ScalarNative<double>, 8>>();

}  // namespace gdfast
