#include "make_table.hpp"
#include "register_avx512.hpp"

namespace gdfast {

constinit const F64Kernels kAvx512F64 = make_f64_kernels<Register<Avx512F64, 1>>();

}  // namespace gdfast
