// Several models of the same rows, more columns than Narrow takes: a row comes from memory once for all of them.
//
// Four rows at a time are dotted with the weights of a few models, for every model there is, and then, from L1, added to
// their gradients: a number of x that is loaded is multiplied for as many models as there are registers for the sums.
//
//        rows k … k+3 ── · w of models 0, 1, 2 ──→ residuals        then        × r ──→ panels of models 0, 1, 2
//                     ── · w of models 3, 4, 5 ──→ residuals                    × r ──→ panels of models 3, 4, 5
//
// Each model's additions are in the order of fused_rows.hpp, so its sums have the bits of a walk for it alone.
#pragma once

#include <new>
#include <type_traits>

#include "fused_rows.hpp"

namespace gdfast {
namespace {

// Long as in FusedRows.
template <class V, bool Long>
class ModelRows {
  using T = typename V::T;
  using reg = typename V::reg;
  // One machine register: lanes of a virtual one have nothing to do with each other until they are summed, so a sweep may
  // take them a machine register at a time, and has sums for more models then.
  using Native = typename V::template Part<1>;
  using native = typename Native::reg;
  static constexpr int L = V::lanes, kNative = Native::lanes;
  // Models at a time: four rows' dots, the weights and a row have to fit, and so have four residuals, a sum and a row.
  static constexpr int kRegisters = V::registers * V::parts;
  static constexpr int kTogether = kRegisters >= 32 ? 4 : 3;
  static_assert(5 * kTogether + 1 <= kRegisters);

  // What a model has of its own; and the rows that are left after the fours.
  struct Model : FusedRows<V, 4, Mode::fused, From::memory, Long> {
    using Base = FusedRows<V, 4, Mode::fused, From::memory, Long>;
    using Base::added;
    using Base::finish;
    using Base::known;
    using Base::last_rows;
    using Base::residuals;
    using Base::run_;
    Model(const Run<T>& run, Sums& sums) : Base(run, sums) {}
  };

  struct Rows {
    const T *a, *b, *c, *d;
    GDFAST_INLINE const T* operator[](int r) const { return r == 0 ? a : r == 1 ? b : r == 2 ? c : d; }
  };

 public:
  static void kernel(const Run<T>* runs, Sums* sums, int count) { ModelRows(runs, sums, count).all(); }

 private:
  alignas(Model) unsigned char room_[kMostModels * sizeof(Model)];
  const Run<T>& run_;  // what all have in common
  const int count_;
  const std::int64_t whole_;    // columns in whole registers
  const int tail_;              // columns after them
  const std::ptrdiff_t step_;   // bytes of four rows that follow each other; 0 where they don't
  const std::ptrdiff_t share_;  // bytes of them that a sweep fetches
  const char* ahead_;           // the next line to fetch

  static constexpr std::ptrdiff_t kLine = 64;
  // Beyond the four rows at hand.
  static constexpr std::ptrdiff_t kAhead = 1 << 10;

  ModelRows(const Run<T>* runs, Sums* sums, int count)
      : run_(runs[0]),
        count_(count),
        whole_(run_.d / L * L),
        tail_(static_cast<int>(run_.d - run_.d / L * L)),
        step_(bytes_of_four(run_)),
        share_(share(step_, count)),
        ahead_(nullptr) {
    static_assert(std::is_trivially_destructible_v<Model>);
    for (int m = 0; m < count; ++m) new (room_ + static_cast<std::size_t>(m) * sizeof(Model)) Model(runs[m], sums[m]);
  }

  // Rows that lie close together are fetched line by line, gaps and all; from an eighth of a row on those would be too much.
  static std::ptrdiff_t bytes_of_four(const Run<T>& run) {
    constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
    const std::ptrdiff_t row = run.row_stride * kSize, gap = row - run.d * kSize;
    return gap < 0 || gap > kLine + row / 8 ? 0 : 4 * row;
  }

  static std::ptrdiff_t share(std::ptrdiff_t step, int count) {
    const std::ptrdiff_t sweeps = 2 * ((count + kTogether - 1) / kTogether);
    return (step / sweeps + kLine - 1) / kLine * kLine;
  }

  GDFAST_INLINE void fetch() {
    for (const char* const end = ahead_ + share_; ahead_ < end; ahead_ += kLine) __builtin_prefetch(ahead_, 0, 3);
  }

  Model* models() { return std::launder(reinterpret_cast<Model*>(room_)); }

  void all() {
    const std::int64_t fours = run_.n / 4 * 4;
    for (std::int64_t i = 0; i < fours; i += 4) {
      const Rows rows = rows_from(i);
      ahead_ = reinterpret_cast<const char*>(rows.a) + step_ + kAhead;
      each_group<true>(rows, i);
      each_group<false>(rows, i);
      for (int m = 0; m < count_; ++m) models()[m].added(i + 4);
    }
    for (int m = 0; m < count_; ++m) {
      models()[m].last_rows(fours);
      models()[m].finish();
    }
  }

  Rows rows_from(std::int64_t i) const {
    const T* const x = run_.x + i * run_.row_stride;
    return {x, x + run_.row_stride, x + 2 * run_.row_stride, x + 3 * run_.row_stride};
  }

  // The dots of the four rows from i on, or their part of the gradient, for all models, in groups as even as can be.
  template <bool Dot>
  GDFAST_INLINE void each_group(const Rows& rows, std::int64_t i) {
    Model* group = models();
    for (int left = count_; left > 0;) {
      const int groups = (left + kTogether - 1) / kTogether;
      const int size = (left + groups - 1) / groups;
      of_group<Dot, kTogether>(size, rows, i, group);
      group += size;
      left -= size;
    }
  }

  template <bool Dot, int M>
  GDFAST_INLINE void of_group(int size, const Rows& rows, std::int64_t i, Model* group) {
    if constexpr (M > 1) {
      if (size < M) return of_group<Dot, M - 1>(size, rows, i, group);
    }
    fetch();
    if constexpr (Dot) {
      dots<M>(rows, i, group);
    } else {
      add<M>(rows, i, group);
    }
  }

  template <int M>
  __attribute__((noinline)) void dots(const Rows& rows, std::int64_t i, Model* group) {
    LongDots<V, 4> chains[M];
    reg dot[M][4];
    std::int64_t j = 0;
    while (true) {
      const std::int64_t end = !Long || whole_ - j < kTerms * L ? whole_ : j + kTerms * L;
      GDFAST_UNROLL for (int p = 0; p < V::parts; ++p) part_of_dots<M>(rows, group, p, j, end, dot);
      j = end;
      if (!Long || j == whole_) break;
      GDFAST_UNROLL for (int m = 0; m < M; ++m) chains[m].add(dot[m]);
    }
    GDFAST_UNROLL for (int m = 0; m < M; ++m) {
      if constexpr (Long) {
        group[m].template residuals<4>(i, chains[m].finish(dot[m]));
      } else {
        group[m].template residuals<4>(i, V::sum_rows(dot[m]));
      }
    }
  }

  // One machine register of each virtual one, of the columns from j to end, and of those after the last of them.
  template <int M>
  GDFAST_INLINE void part_of_dots(const Rows& rows, const Model* group, int p, std::int64_t j, std::int64_t end,
                                  reg (&dot)[M][4]) const {
    const T* w[M];
    GDFAST_UNROLL for (int m = 0; m < M; ++m) w[m] = group[m].run_.w + p * kNative;
    const Rows x{rows.a + p * kNative, rows.b + p * kNative, rows.c + p * kNative, rows.d + p * kNative};
    native sum[M][4];
    GDFAST_UNROLL for (int m = 0; m < M; ++m) GDFAST_UNROLL for (int r = 0; r < 4; ++r) sum[m][r] = Native::zero();
    for (; j < end; j += L) add_products<M>(w, x, j, kNative, sum);
    if (end == whole_ && tail_ != 0) add_products<M>(w, x, whole_, tail_ - p * kNative, sum);
    GDFAST_UNROLL for (int m = 0; m < M; ++m) {
      GDFAST_UNROLL for (int r = 0; r < 4; ++r) dot[m][r].part[p] = sum[m][r].part[0];
    }
  }

  template <int M>
  static GDFAST_INLINE void add_products(const T* const (&w)[M], const Rows& x, std::int64_t j, int left,
                                         native (&sum)[M][4]) {
    native weights[M];
    GDFAST_UNROLL for (int m = 0; m < M; ++m) weights[m] = Native::load(w[m] + j);
    GDFAST_UNROLL for (int r = 0; r < 4; ++r) {
      const native four = load(x[r] + j, left);
      GDFAST_UNROLL for (int m = 0; m < M; ++m) sum[m][r] = Native::fma(four, weights[m], sum[m][r]);
    }
  }

  // The first `left` elements, which may be none.
  static GDFAST_INLINE native load(const T* p, int left) {
    return left >= kNative ? Native::load(p) : Native::load_first(p, left);
  }

  template <int M>
  __attribute__((noinline)) void add(const Rows& rows, std::int64_t i, Model* group) {
    native q[M][4];
    T* panel[M];
    GDFAST_UNROLL for (int m = 0; m < M; ++m) {
      panel[m] = group[m].run_.panel;
      const T* const known = group[m].known(i);
      GDFAST_UNROLL for (int r = 0; r < 4; ++r) q[m][r] = Native::broadcast(known[r]);
    }
    std::int64_t j = 0;
    for (; j + kNative <= run_.d; j += kNative) add_columns<M>(rows, q, panel, j, kNative);
    if (j < run_.d) add_columns<M>(rows, q, panel, j, static_cast<int>(run_.d - j));
  }

  template <int M>
  static GDFAST_INLINE void add_columns(const Rows& rows, const native (&q)[M][4], T* const (&panel)[M], std::int64_t j,
                                        int left) {
    native four[M];
    const native first = load(rows[0] + j, left);
    GDFAST_UNROLL for (int m = 0; m < M; ++m) four[m] = Native::mul(q[m][0], first);
    GDFAST_UNROLL for (int r = 1; r < 4; ++r) {
      const native x = load(rows[r] + j, left);
      GDFAST_UNROLL for (int m = 0; m < M; ++m) four[m] = Native::fma(q[m][r], x, four[m]);
    }
    GDFAST_UNROLL for (int m = 0; m < M; ++m)
        Native::store(panel[m] + j, Native::add(Native::load(panel[m] + j), four[m]));
  }
};

template <class V>
void model_rows(const Run<typename V::T>* runs, Sums* sums, int count) {
  runs[0].d / V::lanes > kTerms ? ModelRows<V, true>::kernel(runs, sums, count)
                                : ModelRows<V, false>::kernel(runs, sums, count);
}

}  // namespace
}  // namespace gdfast
