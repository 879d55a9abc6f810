// The order in which a pass takes the rows: as they lie, or as NumPy's Generator.permutation(n) would have them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/least_squares.hpp"

namespace gdfast {

// NumPy's interface to a bit generator, as its capsule has it (`numpy/random/bitgen.h`).
struct BitGenerator {
  void* state;
  std::uint64_t (*next_uint64)(void* state);
  std::uint32_t (*next_uint32)(void* state);
  double (*next_double)(void* state);
  std::uint64_t (*next_raw)(void* state);
};

// 0 … n−1 in the order, and with the draws, of Generator.permutation(n). False if `stop` gave up.
bool permutation(BitGenerator& bits, std::int64_t n, std::int64_t* order, const Stop& stop);

class RowOrder {
 public:
  using Draw = std::function<bool(std::int64_t n, std::int64_t* order)>;

  // Without a `draw` the rows come as they lie.
  RowOrder(std::int64_t n, Draw draw) : draw_(std::move(draw)) {
    if (draw_) rows_.resize(static_cast<std::size_t>(n));
  }

  bool shuffles() const { return static_cast<bool>(draw_); }
  const std::int64_t* rows() const { return rows_.data(); }
  std::int64_t bytes() const { return static_cast<std::int64_t>(rows_.size() * sizeof(std::int64_t)); }

  // The next pass's order. False where drawing was interrupted.
  bool draw() { return !draw_ || draw_(static_cast<std::int64_t>(rows_.size()), rows_.data()); }

 private:
  Draw draw_;
  std::vector<std::int64_t> rows_;
};

}  // namespace gdfast
