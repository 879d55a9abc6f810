// Columns in memory (Fortran order), where no other form takes them: a register holds 16 rows of one column.
//
// A block of rows is walked twice, first for the predictions, then for the gradient; each walk takes a few columns at a
// time, so that few streams are open at once and r is touched once for all of them. A column's piece is short, and lies on
// a page of its own: so software fetches a little ahead, in the order of the walk, from piece to piece. The second walk
// begins with the columns that the first ended with, which the cache still has.
//
//                              C columns
//        predictions   block │ ↓ ↓ ↓ ↓ │ → → →   r += w·x                               (from memory)
//        gradient      block │ ← ← ← ↓ ↓ ↓ ↓ │   sums of r·x, one register a column     (from L2, or memory again)
//
// A block that L2 holds is short where columns are many. Where its pieces would be too short for memory one block is many
// segments, and memory is read twice, in long pieces.
//
// Sums over rows leave T after kSumRows of a segment, whatever a block has: its length shows in the time alone.
#pragma once

#include "column_walk.hpp"
#include "residuals.hpp"

namespace gdfast {
namespace {

template <class V, Mode M, template <class, int> class Places>
class FusedColumns : ColumnWalk<V, Places> {
  using Walk = ColumnWalk<V, Places>;
  using typename Walk::Ahead;
  using typename Walk::reg;
  using typename Walk::T;
  using Walk::kDots;
  using Walk::kListed;
  using Walk::kSums;
  using Walk::L;
  using Walk::lanes_at;
  using Walk::rows_;
  using Walk::run_;
  using Walk::start_;
  static constexpr std::int64_t kChainColumns = kTerms * kTerms;  // before a prediction leaves T

 public:
  static void kernel(const Run<T>& run, Sums& sums) { FusedColumns(run, run.n, &sums).all(); }
  static void consecutive(const Run<T>& run, std::int64_t segment_rows, Sums* sums) {
    FusedColumns(run, segment_rows, sums).all();
  }

 private:
  const std::int64_t segment_rows_;
  // For each row of a block, then for each column.
  T* const r_;
  T* const part_;
  double* const wide_;
  T* const kept_;

  // Rows of a block whose sums leave T together, or as many of those as the block has.
  struct Chunk {
    std::int64_t start, end;  // in the block
    std::int64_t row;         // where it starts in its segment
    Sums* sums;
  };
  Chunk first_;  // of the block
  WideSums<V> wide_sums_;

  FusedColumns(const Run<T>& run, std::int64_t segment_rows, Sums* sums)
      : Walk(run),
        segment_rows_(segment_rows),
        r_(reinterpret_cast<T*>(run.room)),
        part_(r_ + run.block_rows),
        wide_(reinterpret_cast<double*>(part_ + run.block_rows)),
        kept_(reinterpret_cast<T*>(wide_ + run.block_rows)),
        first_{0, 0, 0, sums} {
    wide_sums_.clear();
  }

  void all() {
    for (; start_ < run_.n; start_ += run_.block_rows) {
      const std::int64_t left = run_.n - start_;
      rows_ = left < run_.block_rows ? left : run_.block_rows;
      first_ = chunk(0, first_.row, first_.sums);
      if constexpr (M != Mode::gradient) predict();
      if constexpr (M != Mode::forward) {
        const Chunk beyond = residuals();
        add_gradient();
        first_ = beyond;
      }
    }
  }

  Chunk chunk(std::int64_t start, std::int64_t row, Sums* sums) const {
    std::int64_t rows = kSumRows - row % kSumRows;
    if (rows > segment_rows_ - row) rows = segment_rows_ - row;
    if (rows > rows_ - start) rows = rows_ - start;
    return {start, start + rows, row, sums};
  }

  static bool begins(const Chunk& c) { return c.row % kSumRows == 0; }
  bool ends(const Chunk& c) const {
    const std::int64_t row = c.row + c.end - c.start;
    return row % kSumRows == 0 || row == segment_rows_ || start_ + c.end == run_.n;
  }
  Chunk after(const Chunk& c) const {
    const std::int64_t row = c.row + c.end - c.start;
    return row == segment_rows_ ? chunk(c.end, 0, c.sums + 1) : chunk(c.end, row, c.sums);
  }

  // r = b + Σ w_j x_j, where the sum of kTerms columns is one term. Where there are many, sums of kTerms of those go to
  // float64.
  void predict() {
    for (std::int64_t i = 0; i < rows_; i += L) V::store(r_ + i, V::broadcast(run_.b));
    std::int64_t j = 0;
    for (; j + kTerms <= run_.d; j += kTerms) {
      if (j > 0 && j % kChainColumns == 0) widen(j == kChainColumns);
      predict_chain(j);
    }
    if (j < run_.d) {
      for (std::int64_t i = 0; i < rows_; i += L) V::store(part_ + i, V::zero());
      predict_from<kDots>(j);
      for (std::int64_t i = 0; i < rows_; i += L) V::store(r_ + i, V::add(V::load(r_ + i), V::load(part_ + i)));
    }
    if (j > kChainColumns) narrow();
    if constexpr (M == Mode::forward) {
      for (std::int64_t i = 0; i < rows_; i += L) V::store_first(run_.out + start_ + i, lanes_at(i), V::load(r_ + i));
    }
  }

  void widen(bool first) {
    for (std::int64_t i = 0; i < rows_; ++i) {
      wide_[i] = (first ? 0 : wide_[i]) + static_cast<double>(r_[i]);
      r_[i] = T(0);
    }
  }

  void narrow() {
    for (std::int64_t i = 0; i < rows_; ++i) r_[i] = static_cast<T>(wide_[i] + static_cast<double>(r_[i]));
  }

  // One chain of kTerms columns, begun and ended without a walk of its own.
  void predict_chain(std::int64_t j) {
    static_assert(kTerms == 2 * kDots);
    predict<kDots, true, false>(j);
    predict<kDots, false, true>(j + kDots);
  }

  // The last columns, `Columns` at a time, and half as many of what is left.
  template <int Columns>
  void predict_from(std::int64_t j) {
    for (; j + Columns <= run_.d; j += Columns) predict<Columns, false, false>(j);
    if constexpr (Columns > 1) predict_from<Columns / 2>(j);
  }

  template <int Columns, bool Begin, bool End>
  void predict(std::int64_t j) {
    T *const r = r_, *const parts = part_;
    reg w[Columns];
    GDFAST_UNROLL for (int c = 0; c < Columns; ++c) w[c] = V::broadcast(run_.w[j + c]);
    // It is inlined: what it holds is in registers. NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
    const auto add = [=](std::int64_t i, int m, const Places<T, Columns>& x) GDFAST_LAMBDA {
      reg part = Begin ? V::zero() : V::load(parts + i);
      GDFAST_UNROLL for (int c = 0; c < Columns; ++c) part = V::fma(load_rows<V>(x[c], m), w[c], part);
      if constexpr (End) {
        V::store(r + i, V::add(V::load(r + i), part));
      } else {
        V::store(parts + i, part);
      }
    };
    if constexpr (kListed) {
      const bool last = j + Columns >= run_.d;
      this->template walk_listed<Columns>(j, 0, rows_, last ? 0 : j + Columns, last ? start_ + rows_ : start_, add);
    } else {
      const Ahead ahead = this->ahead_of(Walk::kDotsAhead,
                                         [&](std::int64_t pieces) { return this->piece_after(j + pieces * Columns); });
      this->template walk<Columns>(j, 0, rows_, ahead, add);
    }
  }

  // The chunk after the block's last.
  Chunk residuals() {
    WideSums<V> wide = wide_sums_;
    Chunk c = first_;
    for (; c.start < rows_; c = after(c)) {
      for (std::int64_t i = c.start; i < c.end; i += L) residual(i, lanes_at(i), wide);
      if (ends(c)) wide.flush(*c.sums);
    }
    wide_sums_ = wide;
    return c;
  }

  GDFAST_INLINE void residual(std::int64_t i, int m, WideSums<V>& wide) {
    reg r;
    if constexpr (M == Mode::gradient) {
      r = load_rows<V>(run_.y_pred + start_ + i, m);
    } else {
      r = V::load(r_ + i);
    }
    r = V::sub(r, load_rows<V>(run_.y + start_ + i, m));
    if (m != L) r = V::keep_first(r, m);
    V::store(r_ + i, wide.add(run_, start_ + i, m, r));
  }

  // The last columns first.
  void add_gradient() {
    const std::int64_t whole = run_.d / kSums * kSums;
    add_gradient_from<kSums / 2>(whole);
    for (std::int64_t j = whole - kSums; j >= 0; j -= kSums) add_gradient<kSums>(j);
  }

  template <int Columns>
  void add_gradient_from(std::int64_t j) {
    for (; j + Columns <= run_.d; j += Columns) add_gradient<Columns>(j);
    if constexpr (Columns > 1) add_gradient_from<Columns / 2>(j);
  }

  template <int Columns>
  void add_gradient(std::int64_t j) {
    constexpr int kRegisters = Columns < 4 ? 4 : Columns;
    const T* const r = r_;
    T* const kept = kept_ + j * L;
    Ahead ahead{};
    if constexpr (!kListed) {
      ahead = this->ahead_of(Walk::kSumsAhead,
                             [&](std::int64_t pieces) { return this->piece_before(j, pieces * Columns); });
    }
    for (Chunk chunk = first_; chunk.start < rows_; chunk = after(chunk)) {
      reg grad[kRegisters];
      GDFAST_UNROLL for (int c = 0; c < kRegisters; ++c) grad[c] = V::zero();
      if (!begins(chunk)) {
        GDFAST_UNROLL for (int c = 0; c < Columns; ++c) grad[c] = V::load(kept + c * L);
      }
      const auto add = [&grad, r](std::int64_t i, int m, const Places<T, Columns>& x) GDFAST_LAMBDA {
        const reg q = V::load(r + i);
        GDFAST_UNROLL for (int c = 0; c < Columns; ++c) { grad[c] = V::fma(q, load_rows<V>(x[c], m), grad[c]); }
      };
      if constexpr (kListed) {
        this->template walk_listed<Columns>(j, chunk.start, chunk.end, j, start_ + chunk.end, add);
      } else {
        this->template walk<Columns>(j, chunk.start, chunk.end, ahead, add);
      }
      if (ends(chunk)) {
        GDFAST_UNROLL for (int c = 0; c < kRegisters; c += 4) {
          add_sums<V>({grad[c], grad[c + 1], grad[c + 2], grad[c + 3]}, Columns - c, chunk.sums->grad + j + c);
        }
      } else {
        GDFAST_UNROLL for (int c = 0; c < Columns; ++c) V::store(kept + c * L, grad[c]);
      }
    }
  }
};

template <class V, template <class, int> class Places>
constexpr Parts<typename V::T> columns_form() {
  return {FusedColumns<V, Mode::fused, Places>::kernel, FusedColumns<V, Mode::forward, Places>::kernel,
          FusedColumns<V, Mode::gradient, Places>::kernel};
}

}  // namespace
}  // namespace gdfast
