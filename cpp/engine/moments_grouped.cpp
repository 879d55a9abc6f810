#include "moments_grouped.hpp"

#include <algorithm>
#include <bit>

#include "grouped_walk.hpp"
#include "sources/gathered.hpp"
#include "sources/samples.hpp"

namespace gdfast {
namespace {

// Beside the result, more only for a single group.
constexpr std::int64_t kMostBytes = 4 << 20;

// Where the sums of groups go.
struct Results {
  std::int64_t d;
  double *grams, *origins;

  double* gram(std::int64_t group) const { return grams + group * (d + 2) * (d + 2); }
  double* origin(std::int64_t group) const { return origins + group * (d + 1); }
  void clear(std::int64_t group) const {
    std::fill_n(gram(group), (d + 2) * (d + 2), 0.0);
    std::fill_n(origin(group), d + 1, 0.0);
  }
};

// Large matrices: one group after the other, of rows that are gathered.
template <class T>
bool one_by_one(const Samples& samples, const Groups& groups, const Results& results, Counters& counters,
                const Stop* stop) {
  for (std::int64_t group = 0; group < groups.count(); ++group) {
    const std::int64_t n = groups.size(group);
    if (n == 0) continue;
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    counters.take(8 * n);
    groups.rows(group, 0, n, rows.data());
    Samples picked = samples;
    picked.x.n = n;
    const GatheredSource<T> source(picked, {rows.data(), n});
    const bool done = moments(source, results.gram(group), results.origin(group), counters, stop);
    counters.give(8 * n);
    if (!done) return false;
  }
  return true;
}

// One thread meets the pieces in their order.
bool is_stacked(const Pieces& pieces, int threads) { return threads == 1 && pieces.count == pieces.matrices; }

std::int64_t matrices_of(const Pieces& pieces, bool stacked) {
  const auto at_most = static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(pieces.count)));
  return stacked ? at_most : pieces.matrices;
}

template <class T>
Summed summed_of(const Source<T>& source, const Groups& groups, std::int64_t group, const Pieces& pieces, bool stacked,
                 const Results& results) {
  const std::int64_t elements = (source.d() + 2) * (source.d() + 2);
  Origin origin = choose_origin(source, groups, group);
  std::copy_n(origin.x(), source.d(), results.origin(group));
  results.origin(group)[source.d()] = origin.y;
  const auto others = static_cast<std::size_t>(matrices_of(pieces, stacked) - 1);
  auto memory = std::make_unique_for_overwrite<double[]>(others * static_cast<std::size_t>(elements));
  const Matrices matrices{results.gram(group), memory.get(), elements};
  return {group, pieces, std::move(origin), matrices, std::move(memory), stacked};
}

// Small matrices: as many groups in a read as there is memory for, from `group` on. Returns the first that is left.
template <class T, class Blocks>
std::int64_t take_groups(GroupedJob<T>& job, std::int64_t group, int threads, const Results& results) {
  const std::int64_t d = job.source.d();
  std::int64_t rows = 0;
  job.summed.clear();
  job.bytes = job.later = 0;
  for (; group < job.groups.count(); ++group) {
    if (job.groups.size(group) == 0) continue;
    const Pieces pieces(job.groups.size(group), d);
    const bool stacked = is_stacked(pieces, threads);
    const std::int64_t later = job.later + (pieces.count > pieces.matrices ? 1 : 0);
    const std::int64_t walk = Walk<T, Blocks>::bytes(job.source, std::ssize(job.summed) + 1, later);
    const std::int64_t own = 8 * (matrices_of(pieces, stacked) - 1) * (d + 2) * (d + 2);
    if (!job.summed.empty() && job.bytes + own + threads * walk > kMostBytes) break;
    job.bytes += own;
    job.later = later;
    job.summed.push_back(summed_of(job.source, job.groups, group, pieces, stacked, results));
    rows += job.groups.size(group);
  }
  job.place.assign(static_cast<std::size_t>(job.groups.count()), static_cast<int>(job.summed.size()));
  for (std::size_t k = 0; k < job.summed.size(); ++k) {
    job.place[static_cast<std::size_t>(job.summed[k].number)] = static_cast<int>(k);
  }
  job.all = rows == job.groups.n();
  return group;
}

template <class T, class Blocks>
void sum_groups(GroupedJob<T>& job, int threads) {
  const auto largest = [&job](auto of) {
    std::int64_t most = 0;
    for (const Summed& group : job.summed) most = std::max(most, of(group));
    return most;
  };
  const std::int64_t rounds = largest([](const Summed& group) { return group.rounds(); });
  for (job.round = 0; job.round < rounds && !job.stop(); ++job.round) {
    job.tasks = threads == 1 ? 1 : largest([&job](const Summed& group) { return group.pieces_of(job.round); });
    const auto task = [](void* self, int k) { Walk<T, Blocks>(*static_cast<GroupedJob<T>*>(self), k).run(); };
    run_tasks(static_cast<int>(job.tasks), threads, task, &job);
  }
  if (job.stop()) return;
  for (const Summed& group : job.summed) {
    group.merge();
    mirror(group.matrices.first, job.source.d());
  }
}

template <class T, class Blocks>
bool in_batches(const Source<T>& source, const Groups& groups, const Results& results, Counters& counters,
                const Stop* stop) {
  StopFlag flag(stop);
  GroupedJob<T> job{source, groups, counters, flag};
  const int threads = threads_for_moments(source.n(), source.d());
  for (std::int64_t next = 0; next < groups.count() && !flag();) {
    next = take_groups<T, Blocks>(job, next, threads, results);
    counters.take(job.bytes);
    sum_groups<T, Blocks>(job, threads);
    counters.give(job.bytes);
  }
  return !flag();
}

}  // namespace

template <class T>
bool moments_of_groups(const Samples& samples, const Groups& groups, double* grams, double* origins, Counters& counters,
                       const Stop* stop) {
  const std::int64_t d = samples.x.d;
  const Results results{d, grams, origins};
  for (std::int64_t group = 0; group < groups.count(); ++group) {
    if (groups.size(group) == 0) results.clear(group);  // of the others all is written
  }
  // Rows of a table are picked one by one as well: they have no address.
  const bool picked = !fits_the_cache(d) || samples.table.columns != nullptr;
  if (picked) return one_by_one<T>(samples, groups, results, counters, stop);
  const SamplesSource<T> chosen(samples);
  const Source<T>& source = chosen.get();
  const auto sum = d < kNarrowMoments ? in_batches<T, NarrowBlocks<T>> : in_batches<T, WideBlocks<T>>;
  return sum(source, groups, results, counters, stop);
}

template bool moments_of_groups<float>(const Samples&, const Groups&, double*, double*, Counters&, const Stop*);
template bool moments_of_groups<double>(const Samples&, const Groups&, double*, double*, Counters&, const Stop*);

}  // namespace gdfast
