#include "make_table.hpp"
#include "register_neon.hpp"

namespace gdfast {

constinit const KernelTable<float> kNeonF32 = make_table<Register<NeonF32, 4>>();

}  // namespace gdfast
