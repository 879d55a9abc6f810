// Rows of a data set as float64 panels, from whatever layout they lie in.
//
//            strip 0        strip 1         last strip      z = [x, 1, y], filled up with zeros. Bands cut its products
//   row i  │ z₀ … z₇ │    │ z₈ … z₁₅ │    │ … 1 y 0 … 0 │   into pieces of up to eight columns times some strips.
#pragma once

#include <vector>

#include "kernels/kernel_table.hpp"
#include "matrix_view.hpp"
#include "scratch.hpp"

namespace gdfast {

struct DataSet {
  MatrixView x;
  VectorView y, s;  // s.data may be null
};

// Columns [first, first + columns) of z, which lie in one strip, times strips [from, to).
struct BandShape {
  std::int64_t first;
  int columns;
  std::int64_t from, to;
};

std::int64_t strips_of(std::int64_t d);
// Covers each two columns of z once, in the upper triangle; but where 1 and y lie in a strip without x, they are taken
// times x, two products a strip, rather than x times them, which would be eight.
std::vector<BandShape> bands_of(std::int64_t d);
// Whether 1 and y are taken times x.
bool tail_times_x(std::int64_t d);

template <class T>
class PanelReader {
 public:
  explicit PanelReader(const DataSet& data);

  // Room for a panel of this many rows, and for a second one with weights.
  class Room {
   public:
    static std::size_t bytes(const DataSet& data, std::int64_t rows);
    Room(const DataSet& data, std::int64_t rows, Scratch& scratch);
    Panel z, weighted;  // the same without weights
    double *y, *s;
  };

  // Rows [first, first + count) into rows [at, at + count) of the room.
  void read(std::int64_t first, std::int64_t count, std::int64_t at, const Room& room) const;

  // Few columns: rows in the lanes. x is read where it lies if it can be.
  class NarrowRoom {
   public:
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
  Layout layout_;

  const T* at(std::int64_t row) const;
  void elements(std::int64_t first, std::int64_t count, std::int64_t at, const Panel& out) const;
};

}  // namespace gdfast
