// Numbers of any storage type as T. Every conversion is exact, or rounds to nearest once: the same bits on every ISA.
#pragma once

#include <bit>

#include "kernel_table.hpp"
#include "register.hpp"

namespace gdfast {
namespace {

GDFAST_INLINE float float_of_bits(std::uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

GDFAST_INLINE double double_of_bits(std::uint64_t bits) {
  double value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

template <class S>
GDFAST_INLINE Computed<S> number(S value) {
  return static_cast<Computed<S>>(value);
}
#if defined(__AVX2__) && !defined(__AVX512DQ__)
// Without an instruction for several of them: the upper half becomes the fraction of a double near 2⁸⁴, of which each unit
// is 2³², and the lower half that of one near 2⁵². What both have too much is taken off the first, exactly, and their sum
// is rounded, once.
GDFAST_INLINE double of_halves(std::uint64_t value, std::uint64_t sign, double too_much) {
  const double upper = double_of_bits((value >> 32) ^ (0x4530000000000000u | sign));
  const double lower = double_of_bits((value & 0xffffffffu) | 0x4330000000000000u);
  return (upper - too_much) + lower;
}
GDFAST_INLINE double number(std::int64_t value) {
  return of_halves(static_cast<std::uint64_t>(value), 0x80000000u, 0x1p84 + 0x1p63 + 0x1p52);
}
GDFAST_INLINE double number(std::uint64_t value) { return of_halves(value, 0, 0x1p84 + 0x1p52); }
#endif
GDFAST_INLINE double number(Bool value) { return value.byte != 0 ? 1.0 : 0.0; }
GDFAST_INLINE float number(Brain value) { return float_of_bits(std::uint32_t{value.bits} << 16); }
// Without branches, and without an operation on a subnormal number, which a process may have switched off: those of Half
// are made by subtracting 2⁻¹⁴ from 2⁻¹⁴ and their fraction. A NaN is made quiet, as the instructions for it do.
GDFAST_INLINE float number(Half value) {
  const std::uint32_t sign = (value.bits & 0x8000u) << 16, rest = (value.bits & 0x7fffu) << 13;
  const std::uint32_t exponent = rest & 0x0f800000u;
  constexpr std::uint32_t kSmallest = 113u << 23;
  const std::uint32_t normal = rest + (112u << 23);
  const std::uint32_t special = (rest + (224u << 23)) | ((rest & 0x007fffffu) != 0 ? 0x00400000u : 0u);
  const float subnormal = float_of_bits(kSmallest + rest) - float_of_bits(kSmallest);
  std::uint32_t bits;
  __builtin_memcpy(&bits, &subnormal, sizeof(bits));
  bits = exponent == 0 ? bits : normal;
  bits = exponent == 0x0f800000u ? special : bits;
  return float_of_bits(bits | sign);
}

// Whole registers where the ISA loads them so; the compiler finds the others' instructions by itself.
template <class V, class S>
void convert_contiguous(const S* from, std::int64_t n, typename V::T* to) {
  using T = typename V::T;
  std::int64_t i = 0;
  if constexpr (std::is_same_v<S, Half> && std::is_same_v<T, float> && V::loads_half) {
    for (; i + V::lanes <= n; i += V::lanes) V::store(to + i, V::load(from + i));
  }
  for (; i < n; ++i) to[i] = static_cast<T>(number(load_one(from + i)));
}

template <class V, class S>
void convert(const char* from, std::ptrdiff_t stride, std::int64_t n, typename V::T* to, std::ptrdiff_t step) {
  const auto at = [from](std::ptrdiff_t offset) { return reinterpret_cast<const S*>(from + offset); };
  if (stride == static_cast<std::ptrdiff_t>(sizeof(S)) && step == 1) return convert_contiguous<V>(at(0), n, to);
  for (std::int64_t i = 0; i < n; ++i) to[i * step] = static_cast<typename V::T>(number(load_one(at(i * stride))));
}

static_assert(std::endian::native == std::endian::little, "bits become bytes in memory's order");

// Bits, the lowest of a byte first. Eight at a time become eight Booleans: byte k of the product, which repeats them, keeps
// bit k.
template <class V>
void unpack(const char* bytes, std::int64_t bit, std::int64_t n, typename V::T* to, std::ptrdiff_t step) {
  using T = typename V::T;
  const auto byte = [bytes](std::int64_t k) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[k]));
  };
  const auto one = [&](std::int64_t i) {
    to[i * step] = static_cast<T>(static_cast<int>(byte((bit + i) / 8) >> ((bit + i) % 8) & 1u));
  };
  std::int64_t i = 0;
  for (; i < n && (bit + i) % 8 != 0; ++i) one(i);
  constexpr std::int64_t kEights = 32;
  Bool some[8 * kEights];
  while (step == 1 && i + 8 <= n) {
    const std::int64_t first = (bit + i) / 8, eights = (n - i) / 8 < kEights ? (n - i) / 8 : kEights;
    for (std::int64_t k = 0; k < eights; ++k) {
      const std::uint64_t spread = byte(first + k) * 0x0101010101010101u & 0x8040201008040201u;
      __builtin_memcpy(some + 8 * k, &spread, sizeof(spread));
    }
    convert_contiguous<V>(some, 8 * eights, to + i);
    i += 8 * eights;
  }
  for (; i < n; ++i) one(i);
}

template <class V, class... S>
constexpr void fill_convert(Convert<typename V::T> (&table)[StorageTypes::count], TypeList<S...> /*types*/) {
  int k = 0;
  ((table[k++] = convert<V, S>), ...);
}

}  // namespace
}  // namespace gdfast
