// Moments of few columns: a register holds rows of one column.
//
// Eight lanes, one chain of FMAs each, are one register or several. Where an ISA hasn't registers for all sums of all
// lanes, the block, which lies in L1, is walked several times: for some lanes of all rows of eight, and for some rows of
// the triangle. So the sums stay in registers, and few columns come in for many products.
//
//          x₀ x₁ x₂ x₃ 1  y           d = 4 with sixteen registers of four lanes: four walks
//      x₀  ■  ■  ■  ■  ■  ■  ┐
//      x₁     ■  ■  ■  ■  ■  ┘ 11     once for lanes 0 to 3, once for lanes 4 to 7
//      x₂        ■  ■  ■  ■  ┐
//      x₃           ■  ■  ■  │ 9      likewise
//      1               n  ■  │
//      y                  ■  ┘
#pragma once

#include "kernel_table.hpp"
#include "register.hpp"

namespace gdfast {
namespace {

template <int D, bool Weighted>
struct Triangle {
  static constexpr int Z = D + 2;

  // Without weights 1 times 1 is known: the rows.
  static constexpr bool is_count(int j, int k) { return !Weighted && j == D && k == D; }
  // How many sums there are left of and above (j, k), of rows from `first` on.
  static constexpr int before(int first, int j, int k) {
    int count = 0;
    for (int row = first; row <= j; ++row) {
      for (int column = row; column < (row < j ? Z : k); ++column) count += is_count(row, column) ? 0 : 1;
    }
    return count;
  }
  static constexpr int sums(int first, int end) { return before(first, end - 1, Z); }
  // As many rows from `first` on as leave `most` sums or fewer; one, if even that is more.
  static constexpr int end(int first, int most) {
    int row = first + 1;
    while (row < Z && sums(first, row + 1) <= most) ++row;
    return row;
  }
};

// How many of the registers of eight lanes there is room for `sums` times.
template <class V>
constexpr int parts_for(int sums) {
  int parts = V::parts;
  while (parts > 1 && parts * sums > V::narrow_sums) parts /= 2;
  return parts;
}

// Where all sums have registers, and shuffles of whole registers make columns of rows, nothing need be turned beforehand.
template <class V, int D>
constexpr bool turns_in_registers() {
  return V::turns_rows && D > 1 && V::parts == 1 && Triangle<D, true>::sums(0, D + 2) <= V::narrow_sums;
}

// Columns of rows i, i + 1, … of a block, of which the first m count: as they are asked for, where the block has columns.
template <class Part, class T, int D, bool InRows>
class Columns {
 public:
  GDFAST_INLINE Columns(const NarrowBlock<T>& block, std::int64_t i, int m)
      : at_(block.x + i), stride_(block.stride), m_(m) {}

  GDFAST_INLINE typename Part::reg operator[](int k) const {
    const T* const p = at_ + k * stride_;
    return m_ == Part::lanes ? Part::load(p) : Part::load_first(p, m_);
  }

 private:
  const T* at_;
  std::ptrdiff_t stride_;
  int m_;
};

// Eight rows that follow each other are D registers, and then D columns.
template <class Part, class T, int D>
class Columns<Part, T, D, true> {
 public:
  GDFAST_INLINE Columns(const NarrowBlock<T>& block, std::int64_t i, int m) {
    const T* const p = block.x + i * D;
    typename Part::reg rows[D];
    GDFAST_UNROLL for (int k = 0; k < D; ++k) {
      const int behind = m * D - k * Part::lanes, left = behind > 0 ? behind : 0;
      rows[k] = m == Part::lanes ? Part::load(p + k * Part::lanes) : Part::load_first(p + k * Part::lanes, left);
    }
    Part::turn_rows(rows, columns_);
  }

  GDFAST_INLINE typename Part::reg operator[](int k) const { return columns_[k]; }

 private:
  typename Part::reg columns_[D];
};

// Adds rows i, i + 1, … of the block, of which the first m count, to the sums of rows First to End − 1 of the triangle.
template <class Part, class T, int D, bool Weighted, bool InRows, int First, int End, int Sums>
GDFAST_INLINE void add_rows(const NarrowBlock<T>& block, const double* origins, std::int64_t i, int m,
                            typename Part::reg (&sum)[Sums]) {
  using All = Triangle<D, Weighted>;
  using reg = typename Part::reg;
  constexpr int Z = All::Z, L = Part::lanes;
  // Where sums leave no registers for them origins come from memory each time: else they would push sums out.
  constexpr int kOrigins = D + 1 - First, kOthers = 3 + (InRows ? D : 0);
  const double* origin = origins;
  if constexpr (Sums + kOrigins + kOthers > Part::registers) __asm__("" : "+r"(origin));
  const auto load = [&](const T* p) GDFAST_LAMBDA { return m == L ? Part::load(p) : Part::load_first(p, m); };
  const auto about = [&](reg value, int k) GDFAST_LAMBDA {
    const reg difference = Part::sub(value, Part::load(origin + k * L));
    return m == L ? difference : Part::keep_first(difference, m);
  };
  const Columns<Part, T, D, InRows> x(block, i, m);
  // Each is set before it is read, which a compiler that unrolls less doesn't see.
  reg left[End - First] = {}, s = Part::broadcast(1);
  if constexpr (Weighted) s = load(block.s + i);
  GDFAST_UNROLL for (int k = First; k < Z; ++k) {
    reg z = Part::broadcast(1);
    if (k != D) z = k < D ? about(x[k], k) : about(load(block.y + i), D);
    if (k < End) left[k - First] = k == D ? s : Weighted ? Part::mul(s, z) : z;
    GDFAST_UNROLL for (int j = First; j < End && j <= k; ++j) {
      if (All::is_count(j, k)) continue;
      reg& to = sum[All::before(First, j, k)];
      // Times 1: the same bits, from another port.
      to = k == D ? Part::add(left[j - First], to) : Part::fma(left[j - First], z, to);
    }
  }
}

// Rows that are turned in registers come in so fast that the CPU's own fetching falls behind.
template <class T, int Elements>
GDFAST_INLINE void fetch_rows_ahead(const T* x) {
  constexpr int kAhead = 2 << 10, kLine = 64, kBytes = Elements * static_cast<int>(sizeof(T));
  const char* const ahead = reinterpret_cast<const char*>(x) + kAhead;
  GDFAST_UNROLL for (int line = 0; line < kBytes; line += kLine) __builtin_prefetch(ahead + line, 0, 3);
}

// Rows First, First + 1, … of the triangle, as many as there are registers for; then the rest.
template <class V, class T, int D, bool Weighted, bool InRows, int First>
GDFAST_INLINE void narrow_sums(const NarrowBlock<T>& block) {
  using All = Triangle<D, Weighted>;
  constexpr int Z = All::Z, kEnd = All::end(First, V::narrow_sums), kSums = All::sums(First, kEnd);
  using Part = typename V::template Part<parts_for<V>(kSums)>;
  using reg = typename Part::reg;
  constexpr int L = Part::lanes;
  constexpr bool kOneWalk = L == V::lanes;
  // Later walks leave memory idle, and ask for what lies next: as many bytes of it as a column of the block has; the first
  // rows of the triangle for y, too.
  constexpr bool kFetches = D > 0 && (!kOneWalk || First > 0 || kEnd < Z);
  double origins[(D + 1) * L];
  for (int k = 0; k <= D; ++k) Part::store(origins + k * L, Part::broadcast(k == D ? block.y_origin : block.origin[k]));
  double lanes[kSums][V::lanes];
  const auto walk = [&](int lane) GDFAST_LAMBDA {
    reg sum[kSums];
    GDFAST_UNROLL for (int e = 0; e < kSums; ++e) sum[e] = Part::zero();
    const auto add = [&](std::int64_t i, int m) GDFAST_LAMBDA {
      add_rows<Part, T, D, Weighted, InRows, First, kEnd>(block, origins, i, m, sum);
    };
    std::int64_t i = lane;
    const int number = (lane + (First > 0 ? V::lanes : 0)) / L;
    const T* const next = block.next + (number < D ? number : D - 1) * block.next_stride;
    for (; i + L <= block.n; i += V::lanes) {
      if constexpr (kFetches) __builtin_prefetch(next + i, 0, 2);
      if constexpr (kFetches && First == 0) __builtin_prefetch(block.y + block.n + i, 0, 2);
      if constexpr (kOneWalk && InRows) fetch_rows_ahead<T, D * L>(block.x + i * D);
      add(i, L);
    }
    if (i < block.n) add(i, static_cast<int>(block.n - i));
    GDFAST_UNROLL for (int j = First; j < kEnd; ++j) {
      GDFAST_UNROLL for (int k = j; k < Z; ++k) {
        if (All::is_count(j, k)) continue;
        const int e = All::before(First, j, k);
        if constexpr (kOneWalk) {
          block.out[j * Z + k] += V::sum(sum[e]);
        } else {
          Part::store(lanes[e] + lane, sum[e]);
        }
      }
    }
  };
  for (int lane = 0; lane < V::lanes; lane += L) walk(lane);
  GDFAST_UNROLL for (int j = First; j < kEnd; ++j) {
    GDFAST_UNROLL for (int k = j; k < Z; ++k) {
      if (All::is_count(j, k)) {
        block.out[j * Z + k] += static_cast<double>(block.n);
      } else if constexpr (!kOneWalk) {
        block.out[j * Z + k] += V::sum(V::load(lanes[All::before(First, j, k)]));
      }
    }
  }
  if constexpr (kEnd < Z) narrow_sums<V, T, D, Weighted, InRows, kEnd>(block);
}

template <class V, class T, int D, bool InRows = false>
void narrow_moments(const NarrowBlock<T>& block) {
  if (block.s != nullptr) {
    narrow_sums<V, T, D, true, InRows, 0>(block);
  } else {
    narrow_sums<V, T, D, false, InRows, 0>(block);
  }
}

}  // namespace
}  // namespace gdfast
