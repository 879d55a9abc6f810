// NEON (AArch64): four 128-bit registers make a virtual one.
#pragma once

#include <arm_neon.h>

#include "register.hpp"

namespace gdfast {
namespace {

struct NeonF64;

struct NeonF32 {
  using T = float;
  using Double = NeonF64;
  using reg = float32x4_t;
  struct wide {
    float64x2_t low, high;
  };
  static constexpr int lanes = 4;
  static constexpr int group = 4;
  // Thirty-two registers: 4 rows × 4 sums + 4 residuals + the weights and the gradient.
  static constexpr int rows_at_a_time = 4;
  static constexpr int registers = 32;

  static GDFAST_INLINE reg broadcast(T value) { return vdupq_n_f32(value); }
  static GDFAST_INLINE reg load(const T* p) { return vld1q_f32(p); }
  static constexpr bool loads_half = true;
  static GDFAST_INLINE reg load(const Half* p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(reinterpret_cast<const std::uint16_t*>(p))));
  }
  static GDFAST_INLINE reg load_first(const T* p, int m) {
    T lane[lanes] = {};
    for (int k = 0; k < lanes && k < m; ++k) lane[k] = load_one(p + k);
    return vld1q_f32(lane);
  }
  static GDFAST_INLINE void store(T* p, reg v) { vst1q_f32(p, v); }
  static GDFAST_INLINE void store_first(T* p, int m, reg v) {
    T lane[lanes];
    vst1q_f32(lane, v);
    for (int k = 0; k < lanes && k < m; ++k) p[k] = lane[k];
  }
  static GDFAST_INLINE reg add(reg a, reg b) { return vaddq_f32(a, b); }
  static GDFAST_INLINE reg sub(reg a, reg b) { return vsubq_f32(a, b); }
  static GDFAST_INLINE reg mul(reg a, reg b) { return vmulq_f32(a, b); }
  static GDFAST_INLINE reg fma(reg a, reg b, reg c) { return vfmaq_f32(c, a, b); }
  static GDFAST_INLINE reg keep_first(reg v, int m) {
    T lane[lanes];
    vst1q_f32(lane, v);
    return load_first(lane, m);
  }
  static GDFAST_INLINE void load_transposed(const T* p, std::ptrdiff_t stride, reg (&columns)[group]) {
    const float32x4x2_t a = vtrnq_f32(vld1q_f32(p), vld1q_f32(p + stride));
    const float32x4x2_t b = vtrnq_f32(vld1q_f32(p + 2 * stride), vld1q_f32(p + 3 * stride));
    columns[0] = vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0]));
    columns[1] = vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1]));
    columns[2] = vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0]));
    columns[3] = vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1]));
  }
  static GDFAST_INLINE void transpose4(reg (&v)[4]) {
    T rows[4 * lanes];
    GDFAST_UNROLL for (int i = 0; i < 4; ++i) store(rows + i * lanes, v[i]);
    load_transposed(rows, lanes, v);
  }
  // Lane i with lane i + 2, then i + 1.
  static GDFAST_INLINE T sum(reg v) {
    const float32x2_t half = halve(v);
    return vget_lane_f32(half, 0) + vget_lane_f32(half, 1);
  }
  static GDFAST_INLINE void sum4(reg a, reg b, reg c, reg d, T* out) {
    out[0] = sum(a);
    out[1] = sum(b);
    out[2] = sum(c);
    out[3] = sum(d);
  }
  static GDFAST_INLINE reg sum_rows(const reg (&v)[rows_at_a_time]) {
    const reg ab = vcombine_f32(halve(v[0]), halve(v[1])), cd = vcombine_f32(halve(v[2]), halve(v[3]));
    return vpaddq_f32(ab, cd);
  }
  static GDFAST_INLINE float32x2_t halve(reg v) { return vadd_f32(vget_low_f32(v), vget_high_f32(v)); }

  static GDFAST_INLINE float64x2_t low(reg v) { return vcvt_f64_f32(vget_low_f32(v)); }
  static GDFAST_INLINE float64x2_t high(reg v) { return vcvt_high_f64_f32(v); }
  static GDFAST_INLINE wide wide_load(const double* p) { return {vld1q_f64(p), vld1q_f64(p + 2)}; }
  static GDFAST_INLINE void wide_store(double* p, wide v) {
    vst1q_f64(p, v.low);
    vst1q_f64(p + 2, v.high);
  }
  static GDFAST_INLINE wide wide_add(reg a, wide c) { return {vaddq_f64(c.low, low(a)), vaddq_f64(c.high, high(a))}; }
  static GDFAST_INLINE wide wide_fma(reg a, reg b, wide c) {
    return {vfmaq_f64(c.low, low(a), low(b)), vfmaq_f64(c.high, high(a), high(b))};
  }
};

struct NeonF64 {
  using T = double;
  using Double = NeonF64;
  using reg = float64x2_t;
  using wide = float64x2_t;
  static constexpr int lanes = 2;
  static constexpr int group = 2;
  static constexpr int rows_at_a_time = 4;
  static constexpr int tile_columns = 4, tile_unit = 4, tile_units = 1,
                       narrow_sums = 22;  // 16 and 24 native sums of 32 registers
  static constexpr bool turns_rows = false;
  static constexpr int registers = 32;

  static GDFAST_INLINE reg broadcast(T value) { return vdupq_n_f64(value); }
  static GDFAST_INLINE reg load(const T* p) { return vld1q_f64(p); }
  static constexpr bool loads_half = false;
  static GDFAST_INLINE reg load(const float* p) { return vcvt_f64_f32(vld1_f32(p)); }
  static GDFAST_INLINE reg load_first(const float* p, int m) {
    const T lane[lanes] = {m > 0 ? load_one(p) : 0.0, m > 1 ? load_one(p + 1) : 0.0};
    return vld1q_f64(lane);
  }
  static GDFAST_INLINE reg load_first(const T* p, int m) {
    const T lane[lanes] = {m > 0 ? load_one(p) : 0.0, m > 1 ? load_one(p + 1) : 0.0};
    return vld1q_f64(lane);
  }
  static GDFAST_INLINE void store(T* p, reg v) { vst1q_f64(p, v); }
  static GDFAST_INLINE void store_first(T* p, int m, reg v) {
    if (m > 0) p[0] = vgetq_lane_f64(v, 0);
    if (m > 1) p[1] = vgetq_lane_f64(v, 1);
  }
  static GDFAST_INLINE reg add(reg a, reg b) { return vaddq_f64(a, b); }
  static GDFAST_INLINE reg sub(reg a, reg b) { return vsubq_f64(a, b); }
  static GDFAST_INLINE reg mul(reg a, reg b) { return vmulq_f64(a, b); }
  static GDFAST_INLINE reg fma(reg a, reg b, reg c) { return vfmaq_f64(c, a, b); }
  static GDFAST_INLINE reg keep_first(reg v, int m) {
    T lane[lanes];
    vst1q_f64(lane, v);
    return load_first(lane, m);
  }
  static GDFAST_INLINE void load_transposed(const T* p, std::ptrdiff_t stride, reg (&columns)[group]) {
    const reg even = vld1q_f64(p), odd = vld1q_f64(p + stride);
    columns[0] = vzip1q_f64(even, odd);
    columns[1] = vzip2q_f64(even, odd);
  }
  static GDFAST_INLINE void sum4(reg a, reg b, reg c, reg d, T* out) {
    out[0] = vgetq_lane_f64(a, 0) + vgetq_lane_f64(a, 1);
    out[1] = vgetq_lane_f64(b, 0) + vgetq_lane_f64(b, 1);
    out[2] = vgetq_lane_f64(c, 0) + vgetq_lane_f64(c, 1);
    out[3] = vgetq_lane_f64(d, 0) + vgetq_lane_f64(d, 1);
  }
  static GDFAST_INLINE wide wide_load(const double* p) { return vld1q_f64(p); }
  static GDFAST_INLINE void wide_store(double* p, wide v) { vst1q_f64(p, v); }
  static GDFAST_INLINE wide wide_add(reg a, wide c) { return vaddq_f64(c, a); }
  static GDFAST_INLINE wide wide_fma(reg a, reg b, wide c) { return vfmaq_f64(c, a, b); }
};

}  // namespace
}  // namespace gdfast
