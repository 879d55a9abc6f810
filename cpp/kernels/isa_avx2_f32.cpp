#include "make_table.hpp"
#include "register_avx2.hpp"

namespace gdfast {

constinit const KernelTable<float> kAvx2F32 = make_table<Register<Avx2F32, 2>>();

}  // namespace gdfast
