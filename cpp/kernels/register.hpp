// The virtual register: 16 floats or 8 doubles, made of as many machine registers as the ISA needs.
//
// A native register type `N` (register_*.hpp) offers, for its own few lanes:
//   zero  broadcast  load  load_first  store  store_first  add  sub  mul  fma(a, b, c) = a·b + c  keep_first
//   load_transposed   `group` columns of `lanes` rows, 16 bytes a row, turned so that a register holds one column
//   sum4              the sums of four registers, by halving: lanes + lanes/2, then /4, ... then 1
//   sum_rows          the same of 4 and of `rows_at_a_time` registers into one, where they fit
//   transpose4        four registers' first four lanes, rows to columns; zeros or anything after
//   registers         how many there are
//   wide              the same lanes in float64: wide_load  wide_store  wide_add  wide_fma
//   loads_half        whether `load` takes float16, converted
// and float32 offers
//   low  high         its lower and upper lanes as registers of its `Double`, the native type of float64
// and float64
//   load  load_first  of floats, converted
//   tile_columns  tile_units   how many sums moments keep at once, in columns times units of `tile_unit` machine registers
//   narrow_sums       the same for moments of few columns, in machine registers
//   turns_rows        whether it offers turn_rows, eight rows of two to four numbers to their columns
// and, where a register is eight doubles
//   Upper  upper      the native type of half a register, and a register of which it is the upper half, over zeros
// *_first(…, m) touches the first m lanes only; the others read as zero. m may be negative or above `lanes`.
//
// Everything per ISA lives in an anonymous namespace: two ISAs never share a symbol.
#pragma once

#include "storage_types.hpp"

// Unrolled, sixteen scalar lanes would be megabytes of code: there the compiler decides.
#ifdef GDFAST_COMPACT
#define GDFAST_INLINE inline
#define GDFAST_UNROLL
#define GDFAST_TWICE
#define GDFAST_LAMBDA
#else
#define GDFAST_INLINE inline __attribute__((always_inline))
// Whole: arrays that a loop leaves an index in don't live in registers. No loop under it is longer.
#define GDFAST_UNROLL _Pragma("GCC unroll 32")
#define GDFAST_TWICE _Pragma("GCC unroll 2")
#define GDFAST_LAMBDA __attribute__((always_inline))
#endif

namespace gdfast {
namespace {

// One element of x, which may lie at any byte.
template <class T>
GDFAST_INLINE T load_one(const T* p) {
  T value;
  __builtin_memcpy(&value, p, sizeof(T));
  return value;
}

template <class N, int K>
struct Register {
  using Native = N;
  using T = typename N::T;
  static constexpr int lanes = N::lanes * K;
  static constexpr int group = N::group;
  static constexpr bool loads_half = N::loads_half;
  static constexpr int rows_at_a_time = N::rows_at_a_time;
  static constexpr int tile_columns = N::tile_columns, tile_unit = N::tile_unit;
  static constexpr int tile_units = N::tile_units, narrow_sums = N::narrow_sums;
  static constexpr bool turns_rows = N::turns_rows;
  using Double = Register<typename N::Double, 8 / N::Double::lanes>;
  static constexpr int registers = N::registers / K;
  static_assert(lanes * sizeof(T) <= 64, "the virtual register has 64 bytes on every ISA");
  // Some of its machine registers, for what doesn't fit all at once.
  static constexpr int parts = K;
  template <int P>
  using Part = Register<N, P>;

  struct reg {
    typename N::reg part[K];
  };
  struct wide {
    typename N::wide part[K];
  };

  static GDFAST_INLINE reg zero() { return broadcast(T(0)); }
  static GDFAST_INLINE reg broadcast(T value) {
    reg r;
    GDFAST_UNROLL for (int k = 0; k < K; ++k) r.part[k] = N::broadcast(value);
    return r;
  }
  template <class From>
  static GDFAST_INLINE reg load(const From* p) {
    reg r;
    GDFAST_UNROLL for (int k = 0; k < K; ++k) r.part[k] = N::load(p + k * N::lanes);
    return r;
  }
  template <class From>
  static GDFAST_INLINE reg load_first(const From* p, int m) {
    reg r;
    GDFAST_UNROLL for (int k = 0; k < K; ++k) {
      const int left = m - k * N::lanes;
      r.part[k] = k == 0 || left > 0 ? N::load_first(p + k * N::lanes, left) : N::broadcast(T(0));
    }
    return r;
  }
  // The first m elements, which fill `Filled` machine registers, the last of them perhaps in part.
  template <int Filled>
  static GDFAST_INLINE reg load_filled(const T* p, int m) {
    reg r;
    GDFAST_UNROLL for (int k = 0; k < K; ++k) {
      const T* const q = p + k * N::lanes;
      r.part[k] = k + 1 < Filled    ? N::load(q)
                  : k + 1 == Filled ? N::load_first(q, m - k * N::lanes)
                                    : N::broadcast(T(0));
    }
    return r;
  }
  static GDFAST_INLINE void store(T* p, reg v) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) N::store(p + k * N::lanes, v.part[k]);
  }
  static GDFAST_INLINE void store_first(T* p, int m, reg v) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) N::store_first(p + k * N::lanes, m - k * N::lanes, v.part[k]);
  }
  static GDFAST_INLINE reg add(reg a, reg b) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) a.part[k] = N::add(a.part[k], b.part[k]);
    return a;
  }
  static GDFAST_INLINE reg sub(reg a, reg b) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) a.part[k] = N::sub(a.part[k], b.part[k]);
    return a;
  }
  static GDFAST_INLINE reg mul(reg a, reg b) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) a.part[k] = N::mul(a.part[k], b.part[k]);
    return a;
  }
  static GDFAST_INLINE reg fma(reg a, reg b, reg c) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) c.part[k] = N::fma(a.part[k], b.part[k], c.part[k]);
    return c;
  }
  static GDFAST_INLINE reg keep_first(reg v, int m) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) v.part[k] = N::keep_first(v.part[k], m - k * N::lanes);
    return v;
  }
  // `group` columns of `lanes` rows that lie `stride` elements apart. Reads 16 bytes from the start of each row.
  static GDFAST_INLINE void load_transposed(const T* p, std::ptrdiff_t stride, reg (&columns)[group]) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) {
      typename N::reg native[group];
      N::load_transposed(p + k * N::lanes * stride, stride, native);
      GDFAST_UNROLL for (int c = 0; c < group; ++c) columns[c].part[k] = native[c];
    }
  }
  // `lanes` rows of D numbers that follow each other, in D registers, to their columns; where `turns_rows`.
  template <int D>
  static GDFAST_INLINE void turn_rows(const reg (&rows)[D], reg (&columns)[D]) {
    static_assert(K == 1);
    typename N::reg from[D], to[D];
    GDFAST_UNROLL for (int k = 0; k < D; ++k) from[k] = rows[k].part[0];
    N::turn_rows(from, to);
    GDFAST_UNROLL for (int k = 0; k < D; ++k) columns[k].part[0] = to[k];
  }
  // out[i] = the sum of v[i]'s lanes. The tree is the same on every ISA: the upper half is added to the lower.
  static GDFAST_INLINE void sum4(const reg (&v)[4], T* out) {
    N::sum4(fold(v[0]), fold(v[1]), fold(v[2]), fold(v[3]), out);
  }
  static GDFAST_INLINE T sum(reg v) {
    T out[4];
    sum4({v, v, v, v}, out);
    return out[0];
  }
  // Lane i = the sum of v[i]'s lanes, by the same tree; zeros after.
  template <int Rows>
  static GDFAST_INLINE reg sum_rows(const reg (&v)[Rows]) {
    if constexpr (N::lanes >= Rows) {
      typename N::reg folded[Rows];
      GDFAST_UNROLL for (int i = 0; i < Rows; ++i) folded[i] = fold(v[i]);
      reg sums = zero();
      sums.part[0] = N::sum_rows(folded);
      return sums;
    } else {
      static_assert(Rows == 4);
      T sums[4];
      sum4(v, sums);
      return load_first(sums, 4);
    }
  }
  // Lane i of out[k] = lane k of in[i], for the first four lanes of four registers; the other lanes are anything.
  static GDFAST_INLINE void transpose4(const reg (&in)[4], reg (&out)[4]) {
    if constexpr (N::lanes >= 4) {
      typename N::reg rows[4] = {in[0].part[0], in[1].part[0], in[2].part[0], in[3].part[0]};
      N::transpose4(rows);
      GDFAST_UNROLL for (int k = 0; k < 4; ++k) {
        out[k] = in[k];
        out[k].part[0] = rows[k];
      }
    } else {
      alignas(64) T from[4][lanes], to[4][lanes];
      for (int k = 0; k < 4; ++k) store(from[k], in[k]);
      for (int k = 0; k < 4; ++k)
        for (int i = 0; i < lanes; ++i) to[k][i] = i < 4 ? from[i][k] : T(0);
      for (int k = 0; k < 4; ++k) out[k] = load(to[k]);
    }
  }
  static GDFAST_INLINE wide wide_load(const double* p) {
    wide r;
    GDFAST_UNROLL for (int k = 0; k < K; ++k) r.part[k] = N::wide_load(p + k * N::lanes);
    return r;
  }
  static GDFAST_INLINE void wide_store(double* p, wide v) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) N::wide_store(p + k * N::lanes, v.part[k]);
  }
  static GDFAST_INLINE wide wide_add(reg a, wide c) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) c.part[k] = N::wide_add(a.part[k], c.part[k]);
    return c;
  }
  static GDFAST_INLINE wide wide_fma(reg a, reg b, wide c) {
    GDFAST_UNROLL for (int k = 0; k < K; ++k) c.part[k] = N::wide_fma(a.part[k], b.part[k], c.part[k]);
    return c;
  }
  // Rounded to T. Slow.
  static GDFAST_INLINE reg narrow(wide v) {
    double wide_lane[lanes];
    T lane[lanes];
    wide_store(wide_lane, v);
    for (int k = 0; k < lanes; ++k) lane[k] = static_cast<T>(wide_lane[k]);
    return load(lane);
  }
  // The lower and the upper eight lanes of sixteen, in float64.
  template <class Reg>
  static GDFAST_INLINE void widen(reg v, Reg (&out)[2]) {
    constexpr int kLanes = N::Double::lanes, kParts = 8 / kLanes, kHalves = N::lanes / kLanes;
    GDFAST_UNROLL for (int k = 0; k < K; ++k) {
      const int first = kHalves * k;
      out[first / kParts].part[first % kParts] = N::low(v.part[k]);
      if constexpr (kHalves == 2) out[(first + 1) / kParts].part[(first + 1) % kParts] = N::high(v.part[k]);
    }
  }

 private:
  static GDFAST_INLINE typename N::reg fold(reg v) {
    GDFAST_UNROLL for (int half = K / 2; half > 0; half /= 2) GDFAST_UNROLL for (int k = 0; k < half; ++k) v.part[k] =
        N::add(v.part[k], v.part[k + half]);
    return v.part[0];
  }
};

}  // namespace
}  // namespace gdfast
