// AVX2 + FMA: two 256-bit registers make a virtual one. AVX-512 borrows the last steps of its sums from here.
#pragma once

// GCC 12 takes the deliberately undefined operands in its own AVX-512 intrinsics for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include "register.hpp"

namespace gdfast {
namespace {

// Sixteen ones, then sixteen zeros: a window into it is the mask of the first m lanes.
alignas(64) constexpr std::int32_t kMask32[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

GDFAST_INLINE int clamp_lanes(int m, int lanes) { return m < 0 ? 0 : (m > lanes ? lanes : m); }

// Four registers of eight to their four sums: lanes i and i + 4, then i + 2, then i + 1.
GDFAST_INLINE __m128 sum4_f32(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256 ab = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  const __m256 cd = _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
  // Halves: {a, c} and {b, d}, two lanes left of each.
  const __m256 acbd = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
  const __m128 ac = _mm256_castps256_ps128(acbd);
  const __m128 bd = _mm256_extractf128_ps(acbd, 1);
  const __m128 sums = _mm_add_ps(_mm_shuffle_ps(ac, bd, 0x88), _mm_shuffle_ps(ac, bd, 0xDD));  // a c b d
  return _mm_shuffle_ps(sums, sums, 0xD8);
}

GDFAST_INLINE __m256d sum4_f64(__m256d a, __m256d b, __m256d c, __m256d d) {
  const __m256d ab = _mm256_add_pd(_mm256_permute2f128_pd(a, b, 0x20), _mm256_permute2f128_pd(a, b, 0x31));
  const __m256d cd = _mm256_add_pd(_mm256_permute2f128_pd(c, d, 0x20), _mm256_permute2f128_pd(c, d, 0x31));
  const __m256d acbd = _mm256_add_pd(_mm256_unpacklo_pd(ab, cd), _mm256_unpackhi_pd(ab, cd));
  return _mm256_permute4x64_pd(acbd, 0xD8);
}

// Four registers' lower four lanes, rows to columns.
GDFAST_INLINE void transpose4_f32(__m128 (&v)[4]) { _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]); }

GDFAST_INLINE void transpose4_f64(__m256d (&v)[4]) {
  const __m256d a = _mm256_unpacklo_pd(v[0], v[1]), b = _mm256_unpackhi_pd(v[0], v[1]);
  const __m256d c = _mm256_unpacklo_pd(v[2], v[3]), d = _mm256_unpackhi_pd(v[2], v[3]);
  v[0] = _mm256_permute2f128_pd(a, c, 0x20);
  v[1] = _mm256_permute2f128_pd(b, d, 0x20);
  v[2] = _mm256_permute2f128_pd(a, c, 0x31);
  v[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

struct Avx2F64;

struct Avx2F32 {
  using T = float;
  using Double = Avx2F64;
  using reg = __m256;
  struct wide {
    __m256d low, high;
  };
  static constexpr int lanes = 8;
  static constexpr int group = 4;
  // Sixteen registers: 4 rows × 2 sums + 4 residuals + the weights and the gradient leave one to spare.
  static constexpr int rows_at_a_time = 4;
  static constexpr int registers = 16;

  static GDFAST_INLINE __m256i mask(int m) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMask32 + 16 - clamp_lanes(m, lanes)));
  }
  static GDFAST_INLINE reg broadcast(T value) { return _mm256_set1_ps(value); }
  static GDFAST_INLINE reg load(const T* p) { return _mm256_loadu_ps(p); }
  static constexpr bool loads_half = true;
  static GDFAST_INLINE reg load(const Half* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static GDFAST_INLINE reg load_first(const T* p, int m) { return _mm256_maskload_ps(p, mask(m)); }
  static GDFAST_INLINE void store(T* p, reg v) { _mm256_storeu_ps(p, v); }
  static GDFAST_INLINE void store_first(T* p, int m, reg v) { _mm256_maskstore_ps(p, mask(m), v); }
  static GDFAST_INLINE reg add(reg a, reg b) { return _mm256_add_ps(a, b); }
  static GDFAST_INLINE reg sub(reg a, reg b) { return _mm256_sub_ps(a, b); }
  static GDFAST_INLINE reg mul(reg a, reg b) { return _mm256_mul_ps(a, b); }
  static GDFAST_INLINE reg fma(reg a, reg b, reg c) { return _mm256_fmadd_ps(a, b, c); }
  static GDFAST_INLINE reg keep_first(reg v, int m) { return _mm256_and_ps(v, _mm256_castsi256_ps(mask(m))); }
  static GDFAST_INLINE reg load_pieces(const T* p, std::ptrdiff_t stride) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + 4 * stride), 1);
  }
  static GDFAST_INLINE void load_transposed(const T* p, std::ptrdiff_t stride, reg (&columns)[group]) {
    const reg r0 = load_pieces(p, stride), r1 = load_pieces(p + stride, stride);
    const reg r2 = load_pieces(p + 2 * stride, stride), r3 = load_pieces(p + 3 * stride, stride);
    const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(r0, r1)), b = _mm256_castps_pd(_mm256_unpacklo_ps(r2, r3));
    const __m256d c = _mm256_castps_pd(_mm256_unpackhi_ps(r0, r1)), d = _mm256_castps_pd(_mm256_unpackhi_ps(r2, r3));
    columns[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
    columns[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
    columns[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(c, d));
    columns[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(c, d));
  }
  static GDFAST_INLINE void sum4(reg a, reg b, reg c, reg d, T* out) { _mm_storeu_ps(out, sum4_f32(a, b, c, d)); }
  static GDFAST_INLINE reg sum_rows(const reg (&v)[rows_at_a_time]) {
    return _mm256_zextps128_ps256(sum4_f32(v[0], v[1], v[2], v[3]));
  }
  static GDFAST_INLINE void transpose4(reg (&v)[4]) {
    __m128 rows[4];
    GDFAST_UNROLL for (int i = 0; i < 4; ++i) rows[i] = _mm256_castps256_ps128(v[i]);
    transpose4_f32(rows);
    GDFAST_UNROLL for (int i = 0; i < 4; ++i) v[i] = _mm256_zextps128_ps256(rows[i]);
  }

  static GDFAST_INLINE __m256d low(reg v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
  static GDFAST_INLINE __m256d high(reg v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }
  static GDFAST_INLINE wide wide_load(const double* p) { return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
  static GDFAST_INLINE void wide_store(double* p, wide v) {
    _mm256_storeu_pd(p, v.low);
    _mm256_storeu_pd(p + 4, v.high);
  }
  static GDFAST_INLINE wide wide_add(reg a, wide c) {
    return {_mm256_add_pd(c.low, low(a)), _mm256_add_pd(c.high, high(a))};
  }
  static GDFAST_INLINE wide wide_fma(reg a, reg b, wide c) {
    return {_mm256_fmadd_pd(low(a), low(b), c.low), _mm256_fmadd_pd(high(a), high(b), c.high)};
  }
};

struct Avx2F64 {
  using T = double;
  using Double = Avx2F64;
  using reg = __m256d;
  using wide = __m256d;
  static constexpr int lanes = 4;
  static constexpr int group = 2;
  static constexpr int rows_at_a_time = 4;
  // Two FMA ports of latency 4 need eight sums in flight. Twelve, three of the right side and one of the left are all the
  // registers there are, and bear a late operand.
  static constexpr int tile_columns = 4, tile_unit = 1, tile_units = 3, narrow_sums = 11;
  static constexpr bool turns_rows = false;
  static constexpr int registers = 16;

  static GDFAST_INLINE __m256i mask(int m) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMask32 + 16 - 2 * clamp_lanes(m, lanes)));
  }
  static GDFAST_INLINE reg broadcast(T value) { return _mm256_set1_pd(value); }
  static GDFAST_INLINE reg load(const T* p) { return _mm256_loadu_pd(p); }
  static constexpr bool loads_half = false;
  static GDFAST_INLINE reg load(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static GDFAST_INLINE reg load_first(const T* p, int m) { return _mm256_maskload_pd(p, mask(m)); }
  static GDFAST_INLINE reg load_first(const float* p, int m) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kMask32 + 16 - clamp_lanes(m, lanes)));
    return _mm256_cvtps_pd(_mm_maskload_ps(p, first));
  }
  static GDFAST_INLINE void store(T* p, reg v) { _mm256_storeu_pd(p, v); }
  static GDFAST_INLINE void store_first(T* p, int m, reg v) { _mm256_maskstore_pd(p, mask(m), v); }
  static GDFAST_INLINE reg add(reg a, reg b) { return _mm256_add_pd(a, b); }
  static GDFAST_INLINE reg sub(reg a, reg b) { return _mm256_sub_pd(a, b); }
  static GDFAST_INLINE reg mul(reg a, reg b) { return _mm256_mul_pd(a, b); }
  static GDFAST_INLINE reg fma(reg a, reg b, reg c) { return _mm256_fmadd_pd(a, b, c); }
  static GDFAST_INLINE reg keep_first(reg v, int m) { return _mm256_and_pd(v, _mm256_castsi256_pd(mask(m))); }
  static GDFAST_INLINE reg load_pieces(const T* p, std::ptrdiff_t stride) {
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(p + 2 * stride), 1);
  }
  static GDFAST_INLINE void load_transposed(const T* p, std::ptrdiff_t stride, reg (&columns)[group]) {
    const reg even = load_pieces(p, stride), odd = load_pieces(p + stride, stride);
    columns[0] = _mm256_unpacklo_pd(even, odd);
    columns[1] = _mm256_unpackhi_pd(even, odd);
  }
  static GDFAST_INLINE void sum4(reg a, reg b, reg c, reg d, T* out) { _mm256_storeu_pd(out, sum4_f64(a, b, c, d)); }
  static GDFAST_INLINE reg sum_rows(const reg (&v)[rows_at_a_time]) { return sum4_f64(v[0], v[1], v[2], v[3]); }
  static GDFAST_INLINE void transpose4(reg (&v)[4]) { transpose4_f64(v); }
  static GDFAST_INLINE wide wide_load(const double* p) { return _mm256_loadu_pd(p); }
  static GDFAST_INLINE void wide_store(double* p, wide v) { _mm256_storeu_pd(p, v); }
  static GDFAST_INLINE wide wide_add(reg a, wide c) { return _mm256_add_pd(c, a); }
  static GDFAST_INLINE wide wide_fma(reg a, reg b, wide c) { return _mm256_fmadd_pd(a, b, c); }
};

}  // namespace
}  // namespace gdfast
