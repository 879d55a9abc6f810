#define GDFAST_COMPACT
#define GDFAST_NO_FETCH
#include "make_table.hpp"
#include "register_scalar.hpp"

namespace gdfast {

constinit const KernelTable<float> kScalarF32 = make_table<Register<ScalarNative<float>, 16>>();

}  // namespace gdfast
