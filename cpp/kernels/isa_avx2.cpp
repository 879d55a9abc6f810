#include "make_table.hpp"
#include "register_avx2.hpp"

namespace gdfast {

constinit const Kernels kAvx2Kernels = make_kernels<Register<Avx2F32, 2>, Register<Avx2F64, 2>>();

}  // namespace gdfast
