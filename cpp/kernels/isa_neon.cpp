#include "make_table.hpp"
#include "register_neon.hpp"

namespace gdfast {

constinit const Kernels kNeonKernels = make_kernels<Register<NeonF32, 4>, Register<NeonF64, 4>>();

}  // namespace gdfast
