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

// A long order is drawn in a thread of its own even if nothing else is done meanwhile: the thread that descends goes on
// asking `stop`, and does so without the lock of the generator. Below some 100,000 rows an order takes less than a
// millisecond, and a thread would save less than it takes to start it.
RowOrder::RowOrder(std::int64_t n, std::int64_t passes, Drawing drawing, bool ahead)
    : passes_(passes), drawing_(std::move(drawing)), threads_(n >= 100'000 && drawing_.in_a_thread) {
  if (!shuffles()) return;
  rows_.resize(static_cast<std::size_t>(n));
  if (ahead && threads_ && num_threads() > 1) next_.resize(rows_.size());
}

void RowOrder::finish() {
  given_up_ = true;
  if (drawn_.valid()) drawn_.wait();
}

bool RowOrder::draw(const Stop& stop) {
  --passes_;
  if (!shuffles()) return true;
  if (!drawn_.valid() && !begin()) return drawing_.here(static_cast<std::int64_t>(rows_.size()), rows_.data(), stop);
  if (!wait(stop) || !drawn_.get()) return false;
  if (next_.empty()) return true;
  rows_.swap(next_);
  if (passes_ > 0) begin();
  return true;
}

// False where the system grants no more threads, or whoever draws can't use one.
bool RowOrder::begin() try {
  Drawing::Draw draw = threads_ ? drawing_.in_a_thread() : Drawing::Draw();
  threads_ = static_cast<bool>(draw);
  if (!threads_) return false;
  std::vector<std::int64_t>& order = next_.empty() ? rows_ : next_;
  drawn_ = std::async(std::launch::async, [this, &order, draw = std::move(draw)] {
    const Stop given_up = [this] { return given_up_.load(); };
    return draw(static_cast<std::int64_t>(order.size()), order.data(), given_up);
  });
  return true;
} catch (const std::system_error&) {
  return threads_ = false;
}

bool RowOrder::wait(const Stop& stop) const {
  while (drawn_.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
    if (stop && stop()) return false;
  }
  return true;
}

}  // namespace gdfast
