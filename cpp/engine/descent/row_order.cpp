#include "row_order.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <numeric>
#include <system_error>
#include <utility>

#include "engine/thread_pool.hpp"

namespace gdfast {
namespace {

constexpr std::int64_t kAhead = 64;

// Draws from [0, last], [0, last − 1], … as NumPy makes them: bits are masked to the length of the bound, and what is
// above it is drawn again. Which it is no branch predictor knows, so a draw is kept by moving on, and not by a jump.
template <class Bits>
void draw(Bits bits, std::int64_t last, std::int64_t count, std::int64_t* places) {
  for (std::int64_t k = 0; k < count;) {
    const auto bound = static_cast<std::uint64_t>(last - k);
    const std::uint64_t mask = ~std::uint64_t{0} >> std::countl_zero(bound);
    const std::uint64_t drawn = bits() & mask;
    places[k] = static_cast<std::int64_t>(drawn);
    k += drawn <= bound ? 1 : 0;
  }
}

}  // namespace

// Fisher and Yates from the end. The places to swap with are drawn a few at a time, and asked for in memory meanwhile:
// each is a jump into an array that no close cache holds.
bool permutation(BitGenerator& bits, std::int64_t n, std::int64_t* order, const Stop& stop) {
  constexpr std::int64_t kBetweenStops = 1 << 16;
  std::int64_t places[kAhead];
  std::iota(order, order + n, std::int64_t{0});
  for (std::int64_t i = n - 1; i > 0;) {
    if ((n - 1 - i) % kBetweenStops == 0 && stop && stop()) return false;
    const std::int64_t count = std::min(kAhead, i);
    if (i <= UINT32_MAX) {
      draw([&] { return bits.next_uint32(bits.state); }, i, count, places);
    } else {
      draw([&] { return bits.next_uint64(bits.state); }, i, count, places);
    }
    for (std::int64_t k = 0; k < count; ++k) __builtin_prefetch(order + places[k], 1, 2);
    for (std::int64_t k = 0; k < count; ++k) std::swap(order[i - k], order[places[k]]);
    i -= count;
  }
  return true;
}

// Below some 100,000 rows a thread that draws ahead would save less than it takes to start it.
RowOrder::RowOrder(std::int64_t n, std::int64_t passes, Draw draw, bool ahead)
    : passes_(passes), draw_(std::move(draw)) {
  constexpr std::int64_t kWorthAThread = 100'000;
  if (!draw_) return;
  rows_.resize(static_cast<std::size_t>(n));
  if (ahead && n >= kWorthAThread && num_threads() > 1) next_.resize(rows_.size());
}

RowOrder::~RowOrder() {
  given_up_ = true;
  if (drawn_.valid()) drawn_.wait();
}

bool RowOrder::draw(const Stop& stop) {
  --passes_;
  if (!draw_) return true;
  if (drawn_.valid()) {
    if (!wait(stop) || !drawn_.get()) return false;
    rows_.swap(next_);
  } else if (!draw_(static_cast<std::int64_t>(rows_.size()), rows_.data(), stop)) {
    return false;
  }
  if (!next_.empty() && passes_ > 0) draw_ahead();
  return true;
}

void RowOrder::draw_ahead() try {
  drawn_ = std::async(std::launch::async, [this] {
    const Stop given_up = [this] { return given_up_.load(); };
    return draw_(static_cast<std::int64_t>(next_.size()), next_.data(), given_up);
  });
} catch (const std::system_error&) {
  next_.clear();  // where the system grants no more threads, orders are drawn when they are needed
}

bool RowOrder::wait(const Stop& stop) const {
  while (drawn_.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
    if (stop && stop()) return false;
  }
  return true;
}

}  // namespace gdfast
