#include "dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace gdfast {
namespace {

#if defined(__x86_64__)

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf) {
  Registers r;
  __get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d);
  return r;
}

bool has(unsigned value, std::initializer_list<unsigned> bits) {
  for (const unsigned bit : bits) {
    if ((value >> bit & 1u) == 0) return false;
  }
  return true;
}

// The register state that the operating system saves on a context switch (XCR0). Without it the CPU's own word that it
// has AVX is worth nothing.
unsigned saved_state() {
  if (!has(cpuid(1).c, {27})) return 0;  // OSXSAVE
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool supports_avx2() {
  return has(saved_state(), {1, 2}) &&     // SSE, AVX
         has(cpuid(1).c, {12, 28, 29}) &&  // FMA, AVX, F16C
         has(cpuid(7).b, {5});             // AVX2
}

bool supports_avx512() {
  return supports_avx2() && has(saved_state(), {5, 6, 7}) &&  // mask registers, upper halves, registers 16 to 31
         has(cpuid(7).b, {8, 16, 17, 30, 31});                // BMI2, F, DQ, BW, VL
}

#endif

std::vector<Isa> find_isas() {
  std::vector<Isa> isas;
#if defined(GDFAST_HAS_AVX512)
  isas.push_back({"avx512", "AVX-512 F, DQ, BW, VL, BMI2", supports_avx512(), &kAvx512F32, &kAvx512F64});
#endif
#if defined(GDFAST_HAS_AVX2)
  isas.push_back({"avx2", "AVX2, FMA, F16C", supports_avx2(), &kAvx2F32, &kAvx2F64});
#endif
#if defined(GDFAST_HAS_NEON)
  isas.push_back({"neon", "AArch64", true, &kNeonF32, &kNeonF64});
#endif
  isas.push_back({"scalar", "nothing", true, &kScalarF32, &kScalarF64});
  return isas;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

const Isa& choose() {
  const char* wanted = std::getenv("GDFAST_ISA");
  for (const Isa& isa : compiled_isas()) {
    if (isa.supported && (wanted == nullptr || *wanted == '\0' || std::string(wanted) == isa.name)) return isa;
  }
  throw std::invalid_argument("GDFAST_ISA=" + std::string(wanted) + " is not supported here; use one of: " +
                              joined(names(true)) + " (or unset it for the best of them)");
}

}  // namespace

const std::vector<Isa>& compiled_isas() {
  static const std::vector<Isa> isas = find_isas();
  return isas;
}

std::vector<std::string> names(bool only_supported) {
  std::vector<std::string> found;
  for (const Isa& isa : compiled_isas()) {
    if (isa.supported || !only_supported) found.emplace_back(isa.name);
  }
  return found;
}

const Isa& active_isa() {
  static const Isa& isa = choose();
  return isa;
}

}  // namespace gdfast
