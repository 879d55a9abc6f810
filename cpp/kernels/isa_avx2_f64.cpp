#include "make_table.hpp"
#include "register_avx2.hpp"

namespace gdfast {

constinit const F64Kernels kAvx2F64 = make_f64_kernels<Register<Avx2F64, 2>>();

}  // namespace gdfast
