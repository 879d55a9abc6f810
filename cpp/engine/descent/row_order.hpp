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

// How orders are drawn, by whoever has the bits.
struct Drawing {
  // Draws one pass's order; false where `stop` gave up, or drawing failed.
  using Draw = std::function<bool(std::int64_t n, std::int64_t* order, const Stop& stop)>;
  Draw here;  // by the thread that descends; empty: rows come as they lie
  // Made by the thread that descends, for each order that a thread of its own draws; empty where there can be none.
  std::function<Draw()> in_a_thread;
};

class RowOrder {
 public:
  // For `passes` passes over n rows. `ahead`: the next pass's order may be drawn while this one is in use, since nothing
  // but the last pass will end the descent and nobody else draws.
  RowOrder(std::int64_t n, std::int64_t passes, Drawing drawing, bool ahead);
  ~RowOrder() { finish(); }
  RowOrder(const RowOrder&) = delete;
  RowOrder& operator=(const RowOrder&) = delete;

  bool shuffles() const { return static_cast<bool>(drawing_.here); }
  const std::int64_t* rows() const { return rows_.data(); }
  std::int64_t bytes() const { return static_cast<std::int64_t>((rows_.size() + next_.size()) * sizeof(std::int64_t)); }

  // The next pass's order. False where drawing was interrupted.
  bool draw(const Stop& stop);

  // Gives up what is being drawn and waits for it to end. The caller must hold nothing that drawing needs.
  void finish();

 private:
  std::int64_t passes_;
  Drawing drawing_;
  std::vector<std::int64_t> rows_, next_;
  bool threads_;  // are there threads to draw in?
  std::atomic<bool> given_up_{false};
  std::future<bool> drawn_;  // next_ where it is drawn ahead, else rows_, once it is ready

  bool begin();
  bool wait(const Stop& stop) const;
};

// Finishes an order at the end of a scope, however that is left.
class FinishedOrder {
 public:
  explicit FinishedOrder(RowOrder& order) : order_(order) {}
  ~FinishedOrder() { order_.finish(); }
  FinishedOrder(const FinishedOrder&) = delete;
  FinishedOrder& operator=(const FinishedOrder&) = delete;

 private:
  RowOrder& order_;
};

}  // namespace gdfast
