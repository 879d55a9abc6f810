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

template <class T>
class PanelReader {
 public:
  PanelReader(const Source<T>& source, const Origin& origin);

  // A panel of this many rows, and a second one with weights.
  struct Panels {
    static std::size_t bytes(const Source<T>& source, std::int64_t rows);
    Panels(const Source<T>& source, std::int64_t rows, Scratch& scratch);
    Panel x, weighted;  // x and s·x, which are one without weights
    double* tail;
  };

  // What the source needs for so many rows on their way into a panel.
  std::size_t room_bytes(std::int64_t rows) const { return source_.room_bytes(order_, rows); }
  // Rows [first, first + count) into rows [at, at + count) of the panels.
  void read(std::int64_t first, std::int64_t count, std::int64_t at, const Panels& panels, const Room& room) const;
  // y and s alone.
  NarrowBlock<T> without_columns(std::int64_t first, std::int64_t count, const Room& room) const;

  // Few columns: rows in the lanes. x is read where it lies if it can be.
  std::size_t narrow_bytes(std::int64_t rows) const;
  NarrowBlock<T> read_narrow(std::int64_t first, std::int64_t count, const Room& room) const;

 private:
  const Source<T>& source_;
  const Origin& origin_;
  Order order_;  // in which rows go into panels
  bool turns_;   // narrow: whether rows lie so that the kernel makes columns of them
};

}  // namespace gdfast
