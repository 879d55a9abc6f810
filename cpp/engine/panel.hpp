// Rows of a data set as float64 panels about an origin, from whatever layout they lie in.
//
//            strip 0        strip 1           last strip            left of the rows 1 and y of the matrix:
//   row i  │ x₀ … x₇ │    │ x₈ … x₁₅ │  …  │ x₁₆ x₁₇ 0 … 0 │      │ s  s·y │
#pragma once

#include <vector>

#include "kernels/kernel_table.hpp"
#include "origin.hpp"
#include "scratch.hpp"

namespace gdfast {

std::int64_t strips_of(std::int64_t d);

// A panel of so many rows, and a second one with weights.
struct Panels {
  static std::size_t bytes(std::int64_t d, bool weights, std::int64_t rows);
  Panels(std::int64_t d, bool weights, std::int64_t rows, Scratch& scratch);

  // s and s·(y − y_origin) of `count` rows, and s·x where there are weights, once x is there; into rows from `at` on.
  template <class T>
  void finish(const T* y, const T* s, double y_origin, std::int64_t at, std::int64_t count) const;

  Panel rows_from(std::int64_t at) const { return {x.data + at * kStrip, x.stride}; }

  std::int64_t strips;
  Panel x, weighted;  // x and s·x, which are one without weights
  double* tail;
};

// Rows that lie ready in one order or the other, less an origin, as a panel.
template <class T>
void widen(const Piece<T>& piece, Order order, std::int64_t count, std::int64_t d, const Origin& origin, Panel to);

template <class T>
class PanelReader {
 public:
  PanelReader(const Source<T>& source, const Origin& origin);

  // What the source needs for so many rows on their way into a panel.
  std::size_t room_bytes(std::int64_t rows) const { return source_.room_bytes(order_, rows); }
  // Rows [first, first + count) into rows [at, at + count) of the panels.
  void read(std::int64_t first, std::int64_t count, std::int64_t at, const Panels& panels, const Room& room) const;
  // Whether that may be done by `Bands::sum` instead, for all columns without weights.
  bool reads_later() const;
  RowsOfPanel<T> read_later(std::int64_t first, std::int64_t count, const Panels& panels, const Room& room) const;
  // y and s alone.
  NarrowBlock<T> without_columns(std::int64_t first, std::int64_t count, const Room& room) const;

  // Few columns: rows in the lanes. x is read where it lies if it can be, by the kernel for rows or the one for columns.
  std::size_t narrow_bytes(std::int64_t rows) const;
  NarrowBlock<T> read_narrow(std::int64_t first, std::int64_t count, const Room& room) const;
  // Adds the first n rows of `block`, and takes them off it.
  void sum_narrow(NarrowBlock<T>& block, std::int64_t n) const;

 private:
  const Source<T>& source_;
  const Origin& origin_;
  Order order_;  // in which rows go into panels
  // narrow: whether the kernel takes rows as they lie, or a block of them is turned to columns beforehand
  bool in_rows_, turns_;
};

}  // namespace gdfast
