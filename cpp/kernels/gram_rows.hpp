// Rows of a symmetric matrix in float64, a few at a time: what a solver on moments does all day.
//
// A register holds eight columns. Of `add` each element is one chain of FMAs over the rows in their order, so it doesn't
// show how many are taken at a time; of `dot` each lane is one, and lanes are added by the tree of all kernels.
#pragma once

#include "kernel_table.hpp"
#include "register.hpp"

namespace gdfast {
namespace {

// Adds R rows: `to` is loaded and stored once for all of them.
template <class V, int R>
__attribute__((noinline)) void add_few_rows(const double* factors, const double* const* rows, std::int64_t n,
                                            double* to) {
  using reg = typename V::reg;
  constexpr int L = V::lanes;
  reg factor[R];
  GDFAST_UNROLL for (int r = 0; r < R; ++r) factor[r] = V::broadcast(factors[r]);
  std::int64_t k = 0;
  for (; k + 2 * L <= n; k += 2 * L) {
    reg low = V::load(to + k), high = V::load(to + k + L);
    GDFAST_UNROLL for (int r = 0; r < R; ++r) {
      low = V::fma(factor[r], V::load(rows[r] + k), low);
      high = V::fma(factor[r], V::load(rows[r] + k + L), high);
    }
    V::store(to + k, low);
    V::store(to + k + L, high);
  }
  for (; k < n; k += L) {
    const int m = static_cast<int>(n - k < L ? n - k : L);
    reg sum = V::load_first(to + k, m);
    GDFAST_UNROLL for (int r = 0; r < R; ++r) sum = V::fma(factor[r], V::load_first(rows[r] + k, m), sum);
    V::store_first(to + k, m, sum);
  }
}

// Eight factors and two sums are what the registers of every ISA hold.
template <class V, int R = 8>
void add_gram_rows(const double* factors, const double* const* rows, std::int64_t count, std::int64_t n, double* to) {
  for (; count >= R; count -= R, factors += R, rows += R) add_few_rows<V, R>(factors, rows, n, to);
  if constexpr (R > 1) {
    if (count > 0) add_gram_rows<V, R / 2>(factors, rows, count, n, to);
  }
}

template <class V>
void dot_gram_rows(const double* const* rows, std::int64_t count, const double* with, std::int64_t n, double* out) {
  using reg = typename V::reg;
  constexpr int L = V::lanes, R = V::rows_at_a_time;
  for (std::int64_t first = 0; first < count; first += R) {
    const double* row[R];  // the last one again where there are fewer
    for (int r = 0; r < R; ++r) row[r] = rows[first + r < count ? first + r : count - 1];
    reg sum[R];
    GDFAST_UNROLL for (int r = 0; r < R; ++r) sum[r] = V::zero();
    for (std::int64_t k = 0; k < n; k += L) {
      const int m = static_cast<int>(n - k < L ? n - k : L);
      if (m == L) {
        const reg x = V::load(with + k);
        GDFAST_UNROLL for (int r = 0; r < R; ++r) sum[r] = V::fma(V::load(row[r] + k), x, sum[r]);
      } else {
        const reg x = V::load_first(with + k, m);
        GDFAST_UNROLL for (int r = 0; r < R; ++r) sum[r] = V::fma(V::load_first(row[r] + k, m), x, sum[r]);
      }
    }
    V::store_first(out + first, static_cast<int>(count - first < R ? count - first : R), V::sum_rows(sum));
  }
}

}  // namespace
}  // namespace gdfast
