#include "make_table.hpp"
#include "register_neon.hpp"

namespace gdfast {

constinit const Kernels kNeonKernels = {make_table<Register<NeonF32, 4>>(), make_table<Register<NeonF64, 4>>()};

}  // namespace gdfast
