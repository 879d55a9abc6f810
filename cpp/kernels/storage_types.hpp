// What a number is in memory, as against what is computed with: one row a type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace gdfast {

// Sixteen bits: of IEEE 754, and the upper half of a float32.
struct Half {
  std::uint16_t bits;
};
struct Brain {
  std::uint16_t bits;
};
struct Bool {
  std::uint8_t byte;
};

enum class DType : std::uint8_t { f32, f64, f16, bf16, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

template <class... S>
struct TypeList {
  static constexpr int count = sizeof...(S);
};

// In the order of DType.
using StorageTypes = TypeList<float, double, Half, Brain, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                              std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, Bool>;
static_assert(StorageTypes::count == static_cast<int>(DType::boolean) + 1);

template <class S>
inline constexpr bool kIsShortFloat = std::is_same_v<S, float> || std::is_same_v<S, Half> || std::is_same_v<S, Brain>;

// What numbers of a storage type are computed in.
template <class S>
using Computed = std::conditional_t<kIsShortFloat<S>, float, double>;

struct StorageType {
  std::ptrdiff_t size;  // in bytes
  DType computed;
};

template <class... S>
constexpr StorageType storage_type(DType dtype, TypeList<S...> /*types*/) {
  constexpr StorageType kTypes[] = {{sizeof(S), kIsShortFloat<S> ? DType::f32 : DType::f64}...};
  return kTypes[static_cast<int>(dtype)];
}

constexpr std::ptrdiff_t size_of(DType dtype) { return storage_type(dtype, StorageTypes()).size; }
constexpr DType computed(DType dtype) { return storage_type(dtype, StorageTypes()).computed; }

}  // namespace gdfast
