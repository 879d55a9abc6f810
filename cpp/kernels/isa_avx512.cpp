#include "make_table.hpp"
#include "register_avx512.hpp"

namespace gdfast {

constinit const Kernels kAvx512Kernels = make_kernels<Register<Avx512F32, 1>, Register<Avx512F64, 1>>();

}  // namespace gdfast
