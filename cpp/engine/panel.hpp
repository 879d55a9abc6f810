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
  PanelReader(const DataSet& data, const Origin& origin);

  // Room for a panel of this many rows, and for a second one with weights.
  struct Room {
    static std::size_t bytes(const DataSet& data, std::int64_t rows);
    Room(const DataSet& data, std::int64_t rows, Scratch& scratch);
    Panel x, weighted;  // x and s·x, which are one without weights
    double* tail;
    T *y, *s;  // copies, where there must be
  };

  // Rows [first, first + count) into rows [at, at + count) of the room.
  void read(std::int64_t first, std::int64_t count, std::int64_t at, const Room& room) const;
  // y and s alone of rows that were read to the room's start.
  NarrowBlock<T> without_columns(std::int64_t first, std::int64_t count, const Room& room) const;

  // Few columns: rows in the lanes. x is read where it lies if it can be.
  struct NarrowRoom {
    static std::size_t bytes(const DataSet& data, std::int64_t rows);
    NarrowRoom(const DataSet& data, std::int64_t rows, Scratch& scratch);
    T *x, *y, *s;
    std::ptrdiff_t stride;
  };
  NarrowBlock<T> read_narrow(std::int64_t first, std::int64_t count, const NarrowRoom& room) const;

  // The memory that rows [first, first + count) lie in.
  Ahead ahead(std::int64_t first, std::int64_t count) const;

 private:
  enum class Layout { rows, columns, elements };
  const DataSet& data_;
  const Origin& origin_;
  Layout layout_;

  const T* row(std::int64_t i) const;
  void read_elements(std::int64_t first, std::int64_t count, double* to, std::ptrdiff_t stride) const;
};

}  // namespace gdfast
