#include "make_table.hpp"
#include "register_avx512.hpp"

namespace gdfast {

constinit const Kernels kAvx512Kernels = {make_table<Register<Avx512F32, 1>>(), make_table<Register<Avx512F64, 1>>()};

}  // namespace gdfast
