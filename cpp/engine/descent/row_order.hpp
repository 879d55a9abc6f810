// The order in which a pass takes the rows: as they lie, or as NumPy's Generator.permutation(n) would have them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
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
  // Draws one pass's order; false where `stop` gave up.
  using Draw = std::function<bool(std::int64_t n, std::int64_t* order, const Stop& stop)>;

  // For `passes` passes over n rows. Without a `draw` the rows come as they lie. `ahead`: the next pass's order may be
  // drawn while this one is in use, since nothing but the last pass will end the descent and nobody else draws.
  RowOrder(std::int64_t n, std::int64_t passes, Draw draw, bool ahead);
  ~RowOrder();
  RowOrder(const RowOrder&) = delete;
  RowOrder& operator=(const RowOrder&) = delete;

  bool shuffles() const { return static_cast<bool>(draw_); }
  const std::int64_t* rows() const { return rows_.data(); }
  std::int64_t bytes() const { return static_cast<std::int64_t>((rows_.size() + next_.size()) * sizeof(std::int64_t)); }

  // The next pass's order. False where drawing was interrupted.
  bool draw(const Stop& stop);

 private:
  std::int64_t passes_;
  Draw draw_;
  std::vector<std::int64_t> rows_, next_;
  std::atomic<bool> given_up_{false};
  std::future<bool> drawn_;  // next_, once it is ready

  void draw_ahead();
  bool wait(const Stop& stop) const;
};

}  // namespace gdfast
