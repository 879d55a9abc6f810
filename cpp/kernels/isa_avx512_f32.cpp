#include "make_table.hpp"
#include "register_avx512.hpp"

namespace gdfast {

constinit const KernelTable<float> kAvx512F32 = make_table<Register<Avx512F32, 1>>();

}  // namespace gdfast
