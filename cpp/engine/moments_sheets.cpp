#include <algorithm>
#include <vector>

#include "counted_scratch.hpp"
#include "moments_job.hpp"

namespace gdfast {
namespace {

constexpr std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

// Rows of which a chain of FMAs makes one sum. The matrix is read and written anew for each such block.
constexpr std::int64_t kSheetBlockRows = 256;

// Rows read at once by all threads: 2 MiB of panel, some of it in each core's L2; but so many that reading and writing
// the matrix is little beside the products.
std::int64_t sheet_rows(std::int64_t d) {
  const std::int64_t fit = (2 << 20) / (8 * kStrip * strips_of(d));
  return std::max<std::int64_t>(fit / kSheetBlockRows, 1) * kSheetBlockRows;
}

// Bands [band, band_end) with strips [strip, strip_end).
struct Tile {
  std::int64_t band, band_end, strip, strip_end;
};

// Strips are few enough for their block to stay in L2 from band to band, and tiles many enough to keep threads busy.
std::vector<Tile> tiles_of(const Bands& bands) {
  constexpr std::int64_t kBands = 4, kStrips = 6;
  std::vector<Tile> tiles;
  for (std::int64_t strip = 0; strip < bands.strips; strip += kStrips) {
    const std::int64_t end = std::min(strip + kStrips, bands.strips);
    const std::int64_t bands_end = strip < bands.whole ? std::min(end, bands.whole) : 0;
    for (std::int64_t band = 0; band < bands_end; band += kBands)
      tiles.push_back({band, std::min(band + kBands, bands_end), strip, end});
    tiles.push_back({bands.whole, bands.strips + 1, strip, end});
  }
  return tiles;
}

template <class T>
struct SheetJob : MomentsJob<T> {
  static constexpr std::int64_t kRowsATask = 32;
  const Panels& panels;
  double* gram;
  std::vector<Tile> tiles = tiles_of(this->bands);
  std::int64_t first = 0, rows = 0;  // of the current sheet

  void read(int k) {
    const std::int64_t at = k * kRowsATask;
    const std::size_t bytes = this->reader.room_bytes(kRowsATask);
    CountedScratch scratch(bytes, &this->counters);
    const Room room{scratch->template take<std::byte>(static_cast<std::int64_t>(bytes)), kRowsATask};
    this->reader.read(first + at, std::min(kRowsATask, rows - at), at, panels, room);
  }

  void tile(int k) {
    if (this->stop()) return;
    const Tile& t = tiles[static_cast<std::size_t>(k)];
    Ahead nothing{};
    for (std::int64_t row = 0; row < rows; row += kSheetBlockRows) {
      for (std::int64_t b = t.band; b < t.band_end; ++b) {
        this->bands.band(b, t.strip, t.strip_end, panels, row, std::min(kSheetBlockRows, rows - row), gram, nothing);
      }
    }
  }
};

}  // namespace

template <class T>
bool moments_in_sheets(const Source<T>& source, const Origin& origin, double* gram, Counters& counters,
                       const Stop* stop) {
  const std::int64_t n = source.n();
  const std::int64_t most = std::min(sheet_rows(source.d()), round_up(n, kSheetBlockRows));
  const std::size_t bytes = Panels::bytes(source.d(), source.weighted(), most), vectors = source.vector_bytes(most);
  Scratch scratch;  // too much for a thread to keep from call to call
  scratch.reserve(bytes + vectors);
  const Panels panels(source.d(), source.weighted(), most, scratch);
  const Room room{scratch.take<std::byte>(static_cast<std::int64_t>(vectors)), most};
  counters.take(static_cast<std::int64_t>(bytes + vectors));
  SheetJob<T> job{{source, origin, counters, StopFlag(stop)}, panels, gram};
  std::fill_n(gram, job.bands.size * job.bands.size, 0.0);
  const int threads = threads_for_moments(n, source.d());
  for (; job.first < n && !job.stop(); job.first += most) {
    job.rows = std::min(most, n - job.first);
    const auto reads = static_cast<int>((job.rows + job.kRowsATask - 1) / job.kRowsATask);
    run_tasks(reads, threads, [](void* self, int k) { static_cast<SheetJob<T>*>(self)->read(k); }, &job);
    run_tasks(
        static_cast<int>(job.tiles.size()), threads,
        [](void* self, int k) { static_cast<SheetJob<T>*>(self)->tile(k); }, &job);
    job.bands.scalars(job.reader.without_columns(job.first, job.rows, room), gram);
    counters.add_read(job.rows * source.row_bytes());
  }
  counters.give(static_cast<std::int64_t>(bytes + vectors));
  return !job.stop();
}

template bool moments_in_sheets<float>(const Source<float>&, const Origin&, double*, Counters&, const Stop*);
template bool moments_in_sheets<double>(const Source<double>&, const Origin&, double*, Counters&, const Stop*);

}  // namespace gdfast
