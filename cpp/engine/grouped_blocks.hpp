// Blocks of rows of one group each, as the kernels of the moments want them: rows are appended as they are found, and
// summed when a block is complete.
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "moments_job.hpp"

namespace gdfast {

// The rows among which those of a group are picked: all, if they lie ready, else so many at a time.
template <class T>
class Window {
 public:
  static constexpr std::int64_t kRows = 128;

  static Order order(const Source<T>& source) {
    return source.layout().columns && !source.layout().rows ? Order::columns : Order::rows;
  }
  static std::size_t bytes(const Source<T>& source) { return source.room_bytes(order(source), kRows); }

  Window(const Source<T>& source, bool all, Scratch& scratch);

  std::int64_t rows() const { return all_ ? std::numeric_limits<std::int64_t>::max() : kRows; }
  // Returns the row from which the rows of `piece` are counted.
  std::int64_t read(std::int64_t first, std::int64_t count);
  const Piece<T>& piece() const { return piece_; }
  Order order() const { return order(source_); }

 private:
  const Source<T>& source_;
  bool all_;
  Room room_;
  Piece<T> piece_;
};

// y and s of a block.
template <class T>
struct BlockVectors {
  T *y, *s;  // s is null without weights

  static std::size_t bytes(bool weighted, std::int64_t rows) { return (weighted ? 2 : 1) * Scratch::bytes<T>(rows); }
  BlockVectors(bool weighted, std::int64_t rows, Scratch& scratch)
      : y(scratch.take<T>(rows)), s(weighted ? scratch.take<T>(rows) : nullptr) {}

  void append(const Piece<T>& piece, const std::int64_t* rows, std::int64_t count, std::int64_t at) const {
    for (std::int64_t i = 0; i < count; ++i) y[at + i] = piece.y[rows[i]];
    if (s == nullptr) return;
    for (std::int64_t i = 0; i < count; ++i) s[at + i] = piece.s[rows[i]];
  }
};

// Both kinds of blocks: `shared` says that a block is read at once, so that one of them serves all groups; `read` makes
// rows ready, which `append` picks by their numbers in the window; `sum` adds a block of n rows to sums.
//
// Many columns: panels.
template <class T>
class WideBlocks {
 public:
  static constexpr std::int64_t kRows = kBlockRows;
  static bool shared(const Source<T>& source) { return source.ready(Order::rows); }
  static std::size_t bytes(const Source<T>& source, std::int64_t blocks);
  WideBlocks(const Source<T>& source, std::int64_t blocks, Scratch& scratch);

  std::int64_t window_rows() const { return window_.rows(); }
  std::int64_t read(std::int64_t first, std::int64_t count);
  void append(std::size_t block, const std::int64_t* rows, std::int64_t count, std::int64_t at, const Origin& origin);
  void sum(std::size_t block, std::int64_t n, const Origin& origin, double* sums, Ahead& ahead) const;

 private:
  Bands bands_;
  Window<T> window_;
  std::optional<Panels> widened_;  // the window as a panel, where rows don't lie ready
  Origin zero_;
  std::vector<Panels> panels_;
  std::vector<BlockVectors<T>> vectors_;
};

// Few columns: columns.
template <class T>
class NarrowBlocks {
 public:
  static constexpr std::int64_t kRows = kNarrowBlockRows;
  static bool shared(const Source<T>& source) { return source.ready(Window<T>::order(source)); }
  static std::size_t bytes(const Source<T>& source, std::int64_t blocks);
  NarrowBlocks(const Source<T>& source, std::int64_t blocks, Scratch& scratch);

  std::int64_t window_rows() const { return window_.rows(); }
  std::int64_t read(std::int64_t first, std::int64_t count) { return window_.read(first, count); }
  void append(std::size_t block, const std::int64_t* rows, std::int64_t count, std::int64_t at, const Origin& origin);
  void sum(std::size_t block, std::int64_t n, const Origin& origin, double* sums, Ahead& ahead) const;

 private:
  static constexpr std::int64_t kStride = kNarrowBlockRows + kStrip;
  std::int64_t d_;
  Window<T> window_;
  std::vector<T*> columns_;
  std::vector<BlockVectors<T>> vectors_;
};

}  // namespace gdfast
