// AVX-512: one 512-bit register is a virtual one.
#pragma once

#include "register_avx2.hpp"

namespace gdfast {
namespace {

struct Avx512F64;

struct Avx512F32 {
  using T = float;
  using Double = Avx512F64;
  using reg = __m512;
  struct wide {
    __m512d low, high;
  };
  static constexpr int lanes = 16;
  static constexpr int group = 4;
  // Thirty-two registers: 8 sums + 8 residuals, and loads in flight behind two FMA ports of latency 4.
  static constexpr int rows_at_a_time = 8;
  static constexpr int registers = 32;

  static GDFAST_INLINE __mmask16 mask(int m) {
    return static_cast<__mmask16>(_bzhi_u32(0xffff, static_cast<unsigned>(m)));
  }
  static GDFAST_INLINE reg broadcast(T value) { return _mm512_set1_ps(value); }
  static GDFAST_INLINE reg load(const T* p) { return _mm512_loadu_ps(p); }
  static constexpr bool loads_half = true;
  static GDFAST_INLINE reg load(const Half* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static GDFAST_INLINE reg load_first(const T* p, int m) { return _mm512_maskz_loadu_ps(mask(m), p); }
  static GDFAST_INLINE void store(T* p, reg v) { _mm512_storeu_ps(p, v); }
  static GDFAST_INLINE void store_first(T* p, int m, reg v) { _mm512_mask_storeu_ps(p, mask(m), v); }
  static GDFAST_INLINE reg add(reg a, reg b) { return _mm512_add_ps(a, b); }
  static GDFAST_INLINE reg sub(reg a, reg b) { return _mm512_sub_ps(a, b); }
  static GDFAST_INLINE reg mul(reg a, reg b) { return _mm512_mul_ps(a, b); }
  static GDFAST_INLINE reg fma(reg a, reg b, reg c) { return _mm512_fmadd_ps(a, b, c); }
  static GDFAST_INLINE reg keep_first(reg v, int m) { return _mm512_maskz_mov_ps(mask(m), v); }
  // Rows 0, 4, 8, 12 from p: an insert from memory costs a load and any vector port, where a shuffle has but one.
  static GDFAST_INLINE reg load_pieces(const T* p, std::ptrdiff_t stride) {
    reg v = _mm512_castps128_ps512(_mm_loadu_ps(p));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 4 * stride), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 8 * stride), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(p + 12 * stride), 3);
  }
  static GDFAST_INLINE void load_transposed(const T* p, std::ptrdiff_t stride, reg (&columns)[group]) {
    const reg r0 = load_pieces(p, stride), r1 = load_pieces(p + stride, stride);
    const reg r2 = load_pieces(p + 2 * stride, stride), r3 = load_pieces(p + 3 * stride, stride);
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(r0, r1)), b = _mm512_castps_pd(_mm512_unpacklo_ps(r2, r3));
    const __m512d c = _mm512_castps_pd(_mm512_unpackhi_ps(r0, r1)), d = _mm512_castps_pd(_mm512_unpackhi_ps(r2, r3));
    columns[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
    columns[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    columns[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(c, d));
    columns[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(c, d));
  }
  static GDFAST_INLINE __m256 fold(reg v) {
    return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  }
  static GDFAST_INLINE void sum4(reg a, reg b, reg c, reg d, T* out) {
    _mm_storeu_ps(out, sum4_f32(fold(a), fold(b), fold(c), fold(d)));
  }
  // Eight rows at once: two share a register from the first halving on, then four, then eight. Blends are used where
  // they do, since shuffles have fewer ports, and share them with additions.
  static GDFAST_INLINE reg sum_rows(const reg (&v)[rows_at_a_time]) {
    const reg acbd = halve_pairs(halve(v[0], v[1]), halve(v[2], v[3]));
    const reg egfh = halve_pairs(halve(v[4], v[5]), halve(v[6], v[7]));
    const reg two = _mm512_add_ps(_mm512_mask_blend_ps(0xcccc, acbd, egfh), _mm512_shuffle_ps(acbd, egfh, 0x4E));
    const reg one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xB1));  // a a e e c c g g …
    const __m512i order = _mm512_setr_epi32(0, 8, 4, 12, 2, 10, 6, 14, 0, 0, 0, 0, 0, 0, 0, 0);
    return _mm512_maskz_permutexvar_ps(0xff, order, one);
  }
  static GDFAST_INLINE reg sum_rows(const reg (&v)[4]) {
    return _mm512_zextps128_ps512(sum4_f32(fold(v[0]), fold(v[1]), fold(v[2]), fold(v[3])));
  }
  static GDFAST_INLINE void transpose4(reg (&v)[4]) {
    __m128 rows[4];
    GDFAST_UNROLL for (int i = 0; i < 4; ++i) rows[i] = _mm512_castps512_ps128(v[i]);
    transpose4_f32(rows);
    GDFAST_UNROLL for (int i = 0; i < 4; ++i) v[i] = _mm512_zextps128_ps512(rows[i]);
  }
  // Halves of a, halves of b.
  static GDFAST_INLINE reg halve(reg a, reg b) {
    return _mm512_add_ps(_mm512_mask_blend_ps(0xff00, a, b), _mm512_shuffle_f32x4(a, b, 0x4E));
  }
  // Pieces of 128 bits, a' a" b' b" and c' c" d' d", to a c b d.
  static GDFAST_INLINE reg halve_pairs(reg ab, reg cd) {
    const reg swapped = _mm512_mask_blend_ps(0xf0f0, cd, ab);
    return _mm512_add_ps(_mm512_mask_blend_ps(0xf0f0, ab, cd), _mm512_shuffle_f32x4(swapped, swapped, 0xB1));
  }

  static GDFAST_INLINE __m512d low(reg v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
  static GDFAST_INLINE __m512d high(reg v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }
  static GDFAST_INLINE wide wide_load(const double* p) { return {_mm512_loadu_pd(p), _mm512_loadu_pd(p + 8)}; }
  static GDFAST_INLINE void wide_store(double* p, wide v) {
    _mm512_storeu_pd(p, v.low);
    _mm512_storeu_pd(p + 8, v.high);
  }
  static GDFAST_INLINE wide wide_add(reg a, wide c) {
    return {_mm512_add_pd(c.low, low(a)), _mm512_add_pd(c.high, high(a))};
  }
  static GDFAST_INLINE wide wide_fma(reg a, reg b, wide c) {
    return {_mm512_fmadd_pd(low(a), low(b), c.low), _mm512_fmadd_pd(high(a), high(b), c.high)};
  }
};

struct Avx512F64 {
  using T = double;
  using Upper = Avx2F64;  // the type of half a register
  static GDFAST_INLINE __m512d upper(__m256d v) { return _mm512_insertf64x4(_mm512_setzero_pd(), v, 1); }
  using Double = Avx512F64;
  using reg = __m512d;
  using wide = __m512d;
  static constexpr int lanes = 8;
  static constexpr int group = 2;
  static constexpr int rows_at_a_time = 8;
  static constexpr bool turns_rows = true;
  // 24 sums, three registers of the right side, and the left side is broadcast on its way from memory.
  static constexpr int tile_columns = 8, tile_unit = 1, tile_units = 3, narrow_sums = 24;
  static constexpr int registers = 32;

  static GDFAST_INLINE __mmask8 mask(int m) { return static_cast<__mmask8>(_bzhi_u32(0xff, static_cast<unsigned>(m))); }
  static GDFAST_INLINE reg broadcast(T value) { return _mm512_set1_pd(value); }
  static GDFAST_INLINE reg load(const T* p) { return _mm512_loadu_pd(p); }
  static constexpr bool loads_half = false;
  static GDFAST_INLINE reg load(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
  static GDFAST_INLINE reg load_first(const T* p, int m) { return _mm512_maskz_loadu_pd(mask(m), p); }
  static GDFAST_INLINE reg load_first(const float* p, int m) {
    return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask(m), p));
  }
  static GDFAST_INLINE void store(T* p, reg v) { _mm512_storeu_pd(p, v); }
  static GDFAST_INLINE void store_first(T* p, int m, reg v) { _mm512_mask_storeu_pd(p, mask(m), v); }
  static GDFAST_INLINE reg add(reg a, reg b) { return _mm512_add_pd(a, b); }
  static GDFAST_INLINE reg sub(reg a, reg b) { return _mm512_sub_pd(a, b); }
  static GDFAST_INLINE reg mul(reg a, reg b) { return _mm512_mul_pd(a, b); }
  static GDFAST_INLINE reg fma(reg a, reg b, reg c) { return _mm512_fmadd_pd(a, b, c); }
  static GDFAST_INLINE reg keep_first(reg v, int m) { return _mm512_maskz_mov_pd(mask(m), v); }
  static GDFAST_INLINE reg load_pieces(const T* p, std::ptrdiff_t stride) {
    reg v = _mm512_castpd128_pd512(_mm_loadu_pd(p));
    v = _mm512_insertf64x2(v, _mm_loadu_pd(p + 2 * stride), 1);
    v = _mm512_insertf64x2(v, _mm_loadu_pd(p + 4 * stride), 2);
    return _mm512_insertf64x2(v, _mm_loadu_pd(p + 6 * stride), 3);
  }
  static GDFAST_INLINE void load_transposed(const T* p, std::ptrdiff_t stride, reg (&columns)[group]) {
    const reg even = load_pieces(p, stride), odd = load_pieces(p + stride, stride);
    columns[0] = _mm512_unpacklo_pd(even, odd);
    columns[1] = _mm512_unpackhi_pd(even, odd);
  }
  // Eight rows of two to four numbers, one after the other, to columns.
  static GDFAST_INLINE void turn_rows(const reg (&row)[2], reg (&column)[2]) {
    column[0] = _mm512_permutex2var_pd(row[0], _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), row[1]);
    column[1] = _mm512_permutex2var_pd(row[0], _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), row[1]);
  }
  static GDFAST_INLINE void turn_rows(const reg (&row)[3], reg (&column)[3]) {
    reg two[3];  // what the first two registers have of each column, then what the third has
    two[0] = _mm512_permutex2var_pd(row[0], _mm512_setr_epi64(0, 3, 6, 9, 12, 15, 0, 0), row[1]);
    two[1] = _mm512_permutex2var_pd(row[0], _mm512_setr_epi64(1, 4, 7, 10, 13, 0, 0, 0), row[1]);
    two[2] = _mm512_permutex2var_pd(row[0], _mm512_setr_epi64(2, 5, 8, 11, 14, 0, 0, 0), row[1]);
    column[0] = _mm512_permutex2var_pd(two[0], _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 10, 13), row[2]);
    column[1] = _mm512_permutex2var_pd(two[1], _mm512_setr_epi64(0, 1, 2, 3, 4, 8, 11, 14), row[2]);
    column[2] = _mm512_permutex2var_pd(two[2], _mm512_setr_epi64(0, 1, 2, 3, 4, 9, 12, 15), row[2]);
  }
  static GDFAST_INLINE void turn_rows(const reg (&row)[4], reg (&column)[4]) {
    const __m512i even = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13);
    const __m512i odd = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
    const reg low01 = _mm512_permutex2var_pd(row[0], even, row[1]), low23 = _mm512_permutex2var_pd(row[0], odd, row[1]);
    const reg high01 = _mm512_permutex2var_pd(row[2], even, row[3]),
              high23 = _mm512_permutex2var_pd(row[2], odd, row[3]);
    column[0] = _mm512_shuffle_f64x2(low01, high01, 0x44);
    column[1] = _mm512_shuffle_f64x2(low01, high01, 0xEE);
    column[2] = _mm512_shuffle_f64x2(low23, high23, 0x44);
    column[3] = _mm512_shuffle_f64x2(low23, high23, 0xEE);
  }
  static GDFAST_INLINE __m256d fold(reg v) {
    return _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1));
  }
  static GDFAST_INLINE void sum4(reg a, reg b, reg c, reg d, T* out) {
    _mm256_storeu_pd(out, sum4_f64(fold(a), fold(b), fold(c), fold(d)));
  }
  static GDFAST_INLINE reg sum_rows(const reg (&v)[rows_at_a_time]) {
    const reg acbd = halve_pairs(halve(v[0], v[1]), halve(v[2], v[3]));
    const reg egfh = halve_pairs(halve(v[4], v[5]), halve(v[6], v[7]));
    const reg one = _mm512_add_pd(_mm512_mask_blend_pd(0xaa, acbd, egfh), _mm512_shuffle_pd(acbd, egfh, 0x55));
    return _mm512_permutexvar_pd(_mm512_setr_epi64(0, 4, 2, 6, 1, 5, 3, 7), one);  // from a e c g …
  }
  static GDFAST_INLINE reg sum_rows(const reg (&v)[4]) {
    return _mm512_zextpd256_pd512(sum4_f64(fold(v[0]), fold(v[1]), fold(v[2]), fold(v[3])));
  }
  static GDFAST_INLINE void transpose4(reg (&v)[4]) {
    __m256d rows[4];
    GDFAST_UNROLL for (int i = 0; i < 4; ++i) rows[i] = _mm512_castpd512_pd256(v[i]);
    transpose4_f64(rows);
    GDFAST_UNROLL for (int i = 0; i < 4; ++i) v[i] = _mm512_zextpd256_pd512(rows[i]);
  }
  static GDFAST_INLINE reg halve(reg a, reg b) {
    return _mm512_add_pd(_mm512_mask_blend_pd(0xf0, a, b), _mm512_shuffle_f64x2(a, b, 0x4E));
  }
  static GDFAST_INLINE reg halve_pairs(reg ab, reg cd) {
    const reg swapped = _mm512_mask_blend_pd(0xcc, cd, ab);
    return _mm512_add_pd(_mm512_mask_blend_pd(0xcc, ab, cd), _mm512_shuffle_f64x2(swapped, swapped, 0xB1));
  }
  static GDFAST_INLINE wide wide_load(const double* p) { return _mm512_loadu_pd(p); }
  static GDFAST_INLINE void wide_store(double* p, wide v) { _mm512_storeu_pd(p, v); }
  static GDFAST_INLINE wide wide_add(reg a, wide c) { return _mm512_add_pd(c, a); }
  static GDFAST_INLINE wide wide_fma(reg a, reg b, wide c) { return _mm512_fmadd_pd(a, b, c); }
};

}  // namespace
}  // namespace gdfast
