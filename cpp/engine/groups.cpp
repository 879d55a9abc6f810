#include "groups.hpp"

#include <algorithm>
#include <atomic>

#include "thread_pool.hpp"

namespace gdfast {
namespace {

// So many chunks that little is walked in vain, so few that what is known of them fits the cache.
constexpr std::int64_t kChunks = 256, kKnown = 1 << 15, kLeastRows = 512;

std::int64_t rows_a_chunk(std::int64_t n, std::int64_t count) {
  const std::int64_t chunks = std::clamp<std::int64_t>(kKnown / count, 1, kChunks);
  return std::max((n + chunks - 1) / chunks, kLeastRows);
}

// Few groups are counted four times: a count that has just been written has to be waited for.
constexpr std::int64_t kFew = 64;

}  // namespace

Groups::Groups(const std::int64_t* ids, std::int64_t n, std::int64_t count)
    : ids_(ids),
      n_(n),
      count_(count),
      chunk_rows_(rows_a_chunk(n, count)),
      chunks_((n + chunk_rows_ - 1) / chunk_rows_),
      before_(static_cast<std::size_t>((chunks_ + 1) * count), 0) {
  struct Job {
    Groups& groups;
    std::atomic<bool> valid{true};
  } job{*this};
  const auto task = [](void* self, int chunk) {
    Job& of = *static_cast<Job*>(self);
    Groups& groups = of.groups;
    const std::int64_t start = groups.chunk_start(chunk), end = groups.chunk_start(chunk + 1);
    std::int64_t* const totals = groups.before_.data() + (chunk + 1) * groups.count_;
    if (!add_up(groups.ids_ + start, end - start, groups.count_, totals)) of.valid = false;
  };
  constexpr std::int64_t kWorthAThread = 1 << 16;
  const auto threads = static_cast<int>(std::clamp<std::int64_t>(n / kWorthAThread, 1, num_threads()));
  run_tasks(static_cast<int>(chunks_), threads, task, &job);
  valid_ = job.valid;
  for (std::int64_t k = 0; k < chunks_ * count_; ++k) {
    before_[static_cast<std::size_t>(k + count_)] += before_[static_cast<std::size_t>(k)];
  }
}

bool Groups::add_up(const std::int64_t* ids, std::int64_t n, std::int64_t count, std::int64_t* totals) {
  // As unsigned numbers, negative ones are too large. They all go to the place after the last group.
  const auto place = [count](std::int64_t id) {
    return std::min(static_cast<std::uint64_t>(id), static_cast<std::uint64_t>(count));
  };
  if (count > kFew) {
    std::uint64_t worst = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      worst = std::max(worst, place(ids[i]));
      if (place(ids[i]) < static_cast<std::uint64_t>(count)) ++totals[ids[i]];
    }
    return worst < static_cast<std::uint64_t>(count);
  }
  std::int64_t counts[4][kFew + 1] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    __builtin_prefetch(ids + i + kIdsAhead);
    for (int k = 0; k < 8; ++k) ++counts[k % 4][place(ids[i + k])];
  }
  for (; i < n; ++i) ++counts[0][place(ids[i])];
  const auto total = [&counts](std::int64_t g) { return counts[0][g] + counts[1][g] + counts[2][g] + counts[3][g]; };
  for (std::int64_t g = 0; g < count; ++g) totals[g] = total(g);
  return total(count) == 0;
}

void Groups::rows(std::int64_t group, std::int64_t first, std::int64_t wanted, std::int64_t* out) const {
  std::int64_t chunk = 0;
  for (std::int64_t step = kChunks; step > 0; step /= 2) {
    if (chunk + step <= chunks_ && before(chunk + step, group) <= first) chunk += step;
  }
  std::int64_t seen = before(chunk, group);
  for (std::int64_t i = chunk_start(chunk); seen < first + wanted; ++i) {
    if (ids_[i] != group) continue;
    if (seen >= first) *out++ = i;
    ++seen;
  }
}

}  // namespace gdfast
