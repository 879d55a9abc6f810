// Contiguous columns (Fortran order), more than Narrow takes and few enough for L1: a register holds 16 rows of one
// column.
//
// A strip of 16 rows goes through all columns for its predictions, and once more, from L1, for the gradient, together with
// the next strip: two loops would wait for the chain of FMAs in the first. Each column is a stream of its own, and there
// are more of them than hardware prefetchers follow: software fetches them all, a little ahead.
//
//                  all columns
//     strip k−1  │ → → → → → → │  sums += r·x, one register a column, in L1
//     strip k    │ → → → → → → │  prediction += w·x
//                │             │
//     1 KiB on   │ · · · · · · │  fetched
//
// Where many columns fall on the same few sets of L1, as those do that each begin on a page, a strip can't stay there: then
// it is kept in a place of its own.
//
// The order of every addition is that of fused_columns.hpp, so that both have the same bits and the choice is free.
#pragma once

#include "residuals.hpp"
#include "streams.hpp"

namespace gdfast {
namespace {

template <class V, bool Kept, bool Listed>
class ColumnStrips {
  using T = typename V::T;
  using reg = typename V::reg;
  static constexpr int L = V::lanes;

 public:
  static void kernel(const Run<T>& run, Sums& sums) { ColumnStrips(run, sums).all(); }

 private:
  const Run<T>& run_;
  Sums& sums_;
  WideSums<V> wide_;
  alignas(64) T grad_[kMostStripColumns * L] = {};  // sums over kSumRows rows
  alignas(64) T kept_[Kept ? kMostStripColumns * L : L];

  ColumnStrips(const Run<T>& run, Sums& sums) : run_(run), sums_(sums) { wide_.clear(); }

  void all() {
    std::int64_t i = 0;
    reg q = V::zero();
    if (i + L <= run_.n) {
      q = residuals(i, L, walk<true, false>(i, L, q));
      for (i += L; i + L <= run_.n; i += L) {
        const reg predicted = walk<true, true>(i, L, q);
        if (i % kSumRows == 0) flush();
        q = residuals(i, L, predicted);
      }
      walk<false, true>(i, L, q);
    }
    if (i < run_.n) {
      if (i % kSumRows == 0) flush();
      const int m = static_cast<int>(run_.n - i);
      q = residuals(i, m, walk<true, false>(i, m, q));
      walk<false, true>(i + L, m, q);
    }
    flush();
  }

  GDFAST_INLINE reg residuals(std::int64_t i, int m, reg predicted) {
    reg r = V::sub(predicted, load_rows<V>(run_.y + i, m));
    if (m != L) r = V::keep_first(r, m);
    return wide_.add(run_, i, m, r);
  }

  // Predicts the strip from row i on, and adds the gradient of the one before it, whose residuals are q.
  template <bool Predict, bool Add>
  GDFAST_INLINE reg walk(std::int64_t i, int m, reg q) {
    const std::ptrdiff_t stride = run_.column_stride;
    const T *x = Listed ? nullptr : run_.x + i, *const *column = run_.columns;
    T *sum = grad_, *kept = kept_;
    reg predicted = V::broadcast(run_.b);
    const T* w = run_.w;
    for (const T* const last = w + run_.d; w < last;) {
      const T* const end = last - w < kTerms ? last : w + kTerms;
      reg part = V::zero();
      for (; w < end; ++w, x += stride, sum += L, kept += Kept ? L : 0) {
        if constexpr (Listed) x = *column++ + i;
        reg strip = q;
        if constexpr (Predict) {
          __builtin_prefetch(reinterpret_cast<const char*>(x) + kNearBytes, 0, 2);
          strip = load_rows<V>(x, m);
          part = V::fma(strip, V::broadcast(*w), part);
        }
        if constexpr (Add) V::store(sum, V::fma(q, Kept ? V::load(kept) : load_rows<V>(x - L, m), V::load(sum)));
        if constexpr (Predict && Kept) V::store(kept, strip);
        // Else the compiler computes their ends anew.
        if constexpr (!Listed) GDFAST_OPAQUE(x);
        if constexpr (Kept) GDFAST_OPAQUE(kept);
        GDFAST_OPAQUE(sum);
      }
      if constexpr (Predict) predicted = V::add(predicted, part);
    }
    return predicted;
  }

  // The sums of the rows since the last time leave T.
  void flush() {
    wide_.flush(sums_);
    for (std::int64_t j = 0; j < run_.d; j += 4) {
      reg four[4];
      for (int c = 0; c < 4; ++c) four[c] = j + c < run_.d ? V::load(grad_ + (j + c) * L) : V::zero();
      add_sums<V>(four, run_.d - j, sums_.grad + j);
    }
    for (std::int64_t j = 0; j < run_.d * L; j += L) V::store(grad_ + j, V::zero());
  }
};

}  // namespace
}  // namespace gdfast
