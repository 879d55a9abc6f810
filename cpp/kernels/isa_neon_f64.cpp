#include "make_table.hpp"
#include "register_neon.hpp"

namespace gdfast {

constinit const F64Kernels kNeonF64 = make_f64_kernels<Register<NeonF64, 4>>();

}  // namespace gdfast
