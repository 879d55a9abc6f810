// One lane a register: the reference the other instruction sets must equal bit for bit.
#pragma once

#include "register.hpp"

namespace gdfast {
namespace {

template <class Scalar>
struct ScalarNative {
  using T = Scalar;
  using reg = T;
  using wide = double;
  using Double = ScalarNative<double>;
  static constexpr int lanes = 1;
  static constexpr int group = static_cast<int>(16 / sizeof(T));
  static constexpr int rows_at_a_time = 4;
  static constexpr int tile_columns = 4, tile_unit = 8, tile_units = 1, narrow_sums = 11;
  static constexpr bool turns_rows = false;
  static constexpr int registers = 16;

  static T fused(T a, T b, T c) {
    if constexpr (sizeof(T) == sizeof(float)) {
      return __builtin_fmaf(a, b, c);
    } else {
      return __builtin_fma(a, b, c);
    }
  }

  static constexpr bool loads_half = false;
  static reg broadcast(T value) { return value; }
  template <class From>
  static reg load(const From* p) {
    return static_cast<T>(load_one(p));
  }
  template <class From>
  static reg load_first(const From* p, int m) {
    return m > 0 ? static_cast<T>(load_one(p)) : T(0);
  }
  static void store(T* p, reg v) { *p = v; }
  static void store_first(T* p, int m, reg v) {
    if (m > 0) *p = v;
  }
  static reg add(reg a, reg b) { return a + b; }
  static reg sub(reg a, reg b) { return a - b; }
  static reg mul(reg a, reg b) { return a * b; }
  static reg fma(reg a, reg b, reg c) { return fused(a, b, c); }
  static reg keep_first(reg v, int m) { return m > 0 ? v : T(0); }
  static void load_transposed(const T* p, std::ptrdiff_t, reg (&columns)[group]) {
    for (int c = 0; c < group; ++c) columns[c] = load_one(p + c);
  }
  static void sum4(reg a, reg b, reg c, reg d, T* out) {
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
  }
  static double low(reg v) { return static_cast<double>(v); }
  static wide wide_load(const double* p) { return *p; }
  static void wide_store(double* p, wide v) { *p = v; }
  static wide wide_add(reg a, wide c) { return c + static_cast<double>(a); }
  static wide wide_fma(reg a, reg b, wide c) {
    return __builtin_fma(static_cast<double>(a), static_cast<double>(b), c);
  }
};

}  // namespace
}  // namespace gdfast
