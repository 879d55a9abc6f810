// Rows from memory, four segments at once.
//
// Row i of each segment is dotted with w, four rows side by side that lie far apart. After four of each, a segment's own
// four rows are added to its own panel, while the next are dotted:
//
//        memory ─→ row k + i of segments 0 … 3 ── · w ──→ four dots                                  i = 0 … 3
//        cache  ─→ rows k − 4 … k − 1 of segment i ── × r ─→ panel of segment i
//
// Four places far apart, each read in order, are four streams to the hardware's prefetchers, where four neighbouring rows
// are one confusion. Software fetches a little way ahead in each, for those prefetchers that a row's end puts off. A
// segment's additions are in the order of fused_rows.hpp, and so its sums have the same bits.
#pragma once

#include "fused_rows.hpp"

namespace gdfast {
namespace {

// Tail: machine registers that the columns after whole virtual ones fill. Long as in FusedRows.
template <class V, int Tail, bool Long>
class AbreastRows {
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;

  // What a segment has of its own; and the rows that it has beyond the others.
  struct Segment : FusedRows<V, 4, Mode::fused, From::memory, Long> {
    using Base = FusedRows<V, 4, Mode::fused, From::memory, Long>;
    using Base::added;
    using Base::finish;
    using Base::known;
    using Base::last_rows;
    using Base::residuals;
    using Base::row;
    using Base::run_;
    Segment(const Run<T>& run, Sums& sums) : Base(run, sums) {}
  };

  // Four rows, walked together.
  struct Rows {
    const T *a, *b, *c, *d;
    GDFAST_INLINE const T* operator[](int i) const { return i == 0 ? a : i == 1 ? b : i == 2 ? c : d; }
  };

 public:
  static void kernel(const Run<T> (&runs)[kAbreast], Sums (&sums)[kAbreast]) { AbreastRows(runs, sums).all(); }

 private:
  Segment segments_[kAbreast];
  const std::int64_t whole_;  // columns in whole registers
  const int tail_;            // columns after them

  AbreastRows(const Run<T> (&runs)[kAbreast], Sums (&sums)[kAbreast])
      : segments_{{runs[0], sums[0]}, {runs[1], sums[1]}, {runs[2], sums[2]}, {runs[3], sums[3]}},
        whole_(runs[0].d / L * L),
        tail_(static_cast<int>(runs[0].d - runs[0].d / L * L)) {}

  // Together as long as the shortest lasts.
  void all() {
    std::int64_t n = segments_[0].run_.n;
    for (const Segment& s : segments_) n = s.run_.n < n ? s.run_.n : n;
    const std::int64_t steps = n / 4 * 4;
    if (steps > 0) step<false>(0);
    for (std::int64_t i = 4; i < steps; i += 4) step<true>(i);
    for (Segment& s : segments_) {
      if (steps > 0) add(s, steps - 4);
      s.last_rows(steps);
      s.finish();
    }
  }

  // Four rows of each, from row i on; Add: the gradient of the four before.
  template <bool Add>
  GDFAST_INLINE void step(std::int64_t i) {
    reg dots[4], of_segment[4];
    GDFAST_UNROLL for (int r = 0; r < 4; ++r) { dots[r] = sweep<Add>(i + r, segments_[r], i - 4); }
    V::transpose4(dots, of_segment);
    GDFAST_UNROLL for (int s = 0; s < kAbreast; ++s) {
      if constexpr (Add) segments_[s].added(i);
      segments_[s].template residuals<4>(i, of_segment[s]);
    }
  }

  GDFAST_INLINE Rows rows_abreast(std::int64_t i) const {
    return {segments_[0].row(i), segments_[1].row(i), segments_[2].row(i), segments_[3].row(i)};
  }

  static GDFAST_INLINE Rows rows_of(const Segment& s, std::int64_t i) {
    return {s.row(i), s.row(i + 1), s.row(i + 2), s.row(i + 3)};
  }

  static GDFAST_INLINE void known(const Segment& s, std::int64_t i, reg (&q)[4]) {
    const T* const residuals = s.known(i);
    GDFAST_UNROLL for (int r = 0; r < 4; ++r) q[r] = V::broadcast(residuals[r]);
  }

  // The dots of row i of each, and the gradient of `back`'s rows from `previous` on.
  template <bool Add>
  reg sweep(std::int64_t i, const Segment& back, std::int64_t previous) const {
    const Rows x = rows_abreast(i), old = rows_of(back, Add ? previous : i);
    const T* const weights = back.run_.w;
    T* const panel = back.run_.panel;
    reg q[4] = {};
    if constexpr (Add) known(back, previous, q);
    LongDots<V, 4> chains;
    reg dot[4];
    std::int64_t j = 0;
    while (true) {
      const std::int64_t end = !Long || whole_ - j < kTerms * L ? whole_ : j + kTerms * L;
      GDFAST_UNROLL for (int s = 0; s < 4; ++s) dot[s] = V::zero();
      for (; j < end; j += L) {
        if constexpr (Add) add_columns<V::parts>(old, q, panel, j, L);
        dot_columns<V::parts>(x, weights, dot, j, L);
      }
      if (!Long || j == whole_) break;
      if constexpr (Long) chains.add(dot);
    }
    if constexpr (Tail > 0) {
      if constexpr (Add) add_columns<Tail>(old, q, panel, j, tail_);
      dot_columns<Tail>(x, weights, dot, j, tail_);
    }
    if constexpr (Long) {
      return chains.finish(dot);
    } else {
      return V::sum_rows(dot);
    }
  }

  // The gradient of a segment's four rows, alone.
  void add(Segment& s, std::int64_t i) const {
    const Rows old = rows_of(s, i);
    reg q[4];
    known(s, i, q);
    std::int64_t j = 0;
    for (; j < whole_; j += L) add_columns<V::parts>(old, q, s.run_.panel, j, L);
    if constexpr (Tail > 0) add_columns<Tail>(old, q, s.run_.panel, j, tail_);
    s.added(i + 4);
  }

  template <int Filled>
  static GDFAST_INLINE reg load(const T* p, int m) {
    return m == L ? V::load(p) : V::template load_filled<Filled>(p, m);
  }

  template <int Filled>
  static GDFAST_INLINE void dot_columns(const Rows& x, const T* weights, reg (&dot)[4], std::int64_t j, int m) {
    const reg w = V::load(weights + j);
    GDFAST_UNROLL for (int s = 0; s < 4; ++s) {
      dot[s] = V::fma(load<Filled>(x[s] + j, m), w, dot[s]);
      __builtin_prefetch(reinterpret_cast<const char*>(x[s] + j) + kNearBytes, 0, 3);
    }
  }

  template <int Filled>
  static GDFAST_INLINE void add_columns(const Rows& x, const reg (&q)[4], T* panel, std::int64_t j, int m) {
    reg four = V::mul(q[0], load<Filled>(x[0] + j, m));
    GDFAST_UNROLL for (int r = 1; r < 4; ++r) four = V::fma(q[r], load<Filled>(x[r] + j, m), four);
    V::store(panel + j, V::add(V::load(panel + j), four));
  }
};

template <class V, bool Long, int Tail = 0>
void abreast_rows(const Run<typename V::T> (&runs)[kAbreast], Sums (&sums)[kAbreast]) {
  constexpr int kNative = V::lanes / V::parts;
  if constexpr (Tail < V::parts) {
    if (runs[0].d % V::lanes > Tail * kNative) return abreast_rows<V, Long, Tail + 1>(runs, sums);
  }
  AbreastRows<V, Tail, Long>::kernel(runs, sums);
}

template <class V>
void abreast(const Run<typename V::T> (&runs)[kAbreast], Sums (&sums)[kAbreast]) {
  runs[0].d / V::lanes > kTerms ? abreast_rows<V, true>(runs, sums) : abreast_rows<V, false>(runs, sums);
}

}  // namespace
}  // namespace gdfast
