#include "moments.hpp"

#include <algorithm>
#include <vector>

#include "dispatch.hpp"
#include "panel.hpp"
#include "scratch.hpp"
#include "stop_flag.hpp"
#include "thread_pool.hpp"

namespace gdfast {
namespace {

constexpr std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

// Scratch of this thread, counted.
class CountedScratch {
 public:
  CountedScratch(std::size_t bytes, Counters& counters) : bytes_(static_cast<std::int64_t>(bytes)), counters_(counters) {
    scratch_->reserve(bytes);
    counters_.take(bytes_);
  }
  ~CountedScratch() { counters_.give(bytes_); }
  CountedScratch(const CountedScratch&) = delete;
  CountedScratch& operator=(const CountedScratch&) = delete;
  Scratch& operator*() { return *scratch_; }

 private:
  BorrowedScratch scratch_;
  std::int64_t bytes_;
  Counters& counters_;
};

// Rows of which a chain of FMAs makes one sum: of a panel that stays in L1 for 16 columns while x passes through. Blocks
// of the narrow form, whose chains run over every eighth row, are longer for less overhead; and those of a large
// matrix, which is read and written anew for each block.
constexpr std::int64_t kBlockRows = 128, kNarrowBlockRows = 1024, kSheetBlockRows = 256;

template <class T>
struct Job {
  using Room = typename PanelReader<T>::Room;
  DataSet data;
  Counters& counters;
  StopFlag stop;
  std::int64_t size = data.x.d + 2;  // of the matrix
  std::int64_t strips = strips_of(data.x.d);
  PanelReader<T> reader{data};

  std::int64_t bytes_of(std::int64_t rows) const {
    const std::int64_t s = data.s.data != nullptr ? size_of(data.s.dtype) : 0;
    return rows * (data.x.d * static_cast<std::int64_t>(sizeof(T)) + size_of(data.y.dtype) + s);
  }

  // Products with strips [from, to) over some rows of a panel: of the eight columns of strip k with those from k on; for
  // k = strips, of 1 and y.
  void band(std::int64_t k, std::int64_t from, std::int64_t to, const Room& room, std::int64_t row, std::int64_t rows,
            double* gram, Ahead& ahead) const {
    const bool tail = k == strips;
    if (!tail) from = std::max(from, k);
    if (from >= to) return;
    const std::int64_t first = tail ? data.x.d : k * kStrip;
    const Band band{tail ? room.tail + 2 * row : room.weighted.data + k * room.weighted.stride + row * kStrip,
                    tail ? 2 : kStrip,
                    room.x.data + from * room.x.stride + row * kStrip,
                    room.x.stride,
                    rows,
                    static_cast<int>(tail ? 2 : std::min(kStrip, data.x.d - first)),
                    std::min(to * kStrip, data.x.d) - from * kStrip,
                    gram + first * size + from * kStrip,
                    size};
    panel_kernels().band(band, ahead);
  }

  // Σ s, Σ s y and Σ s y² over rows that were read to the room's start.
  void scalars(std::int64_t first, std::int64_t rows, const Room& room, double* gram) const {
    double sums[4] = {};
    NarrowBlock<T> block = reader.without_columns(first, rows, room);
    block.out = sums;
    kernels<T>().moments.narrow[0](block);
    double* const corner = gram + data.x.d * (size + 1);
    corner[0] += sums[0];
    corner[1] += sums[1];
    corner[size + 1] += sums[3];
  }
};

// --- a matrix that fits the cache: one for each of several pieces of x at a time ---

// Pieces of consecutive rows; piece p is added to matrix p mod `matrices`. A piece is so short that Ctrl-C waits for no
// other thread's for long, and sums over at most 64 blocks before it is added.
struct Pieces {
  std::int64_t block, rows, count;
  int matrices;

  Pieces(std::int64_t n, std::int64_t d) : block(d < kNarrowMoments ? kNarrowBlockRows : kBlockRows) {
    const std::int64_t blocks = (n + block - 1) / block;
    rows = block * std::clamp<std::int64_t>((blocks + 15) / 16, 1, 64);
    count = (n + rows - 1) / rows;
    const std::int64_t most = std::clamp<std::int64_t>((2 << 20) / (8 * (d + 2) * (d + 2)), 1, 128);
    matrices = static_cast<int>(std::min(count, most));
  }
};

template <class T>
struct PieceJob : Job<T> {
  Pieces pieces;
  double* matrices;
  std::int64_t first = 0;  // piece of the current round

  std::int64_t elements() const { return this->size * this->size; }

  void piece(int k) {
    if (this->stop()) return;
    const std::int64_t start = (first + k) * pieces.rows;
    const std::int64_t end = std::min(start + pieces.rows, this->data.x.n);
    const std::size_t matrix = Scratch::bytes<double>(elements());
    if (this->data.x.d < kNarrowMoments) {
      using Room = typename PanelReader<T>::NarrowRoom;
      CountedScratch scratch(matrix + Room::bytes(this->data, pieces.block), this->counters);
      double* const sums = (*scratch).template take<double>(elements());
      std::fill_n(sums, elements(), 0.0);
      narrow(start, end, Room(this->data, pieces.block, *scratch), sums);
      add(sums, k);
    } else {
      using Room = typename PanelReader<T>::Room;
      CountedScratch scratch(matrix + Room::bytes(this->data, pieces.block), this->counters);
      double* const sums = (*scratch).template take<double>(elements());
      std::fill_n(sums, elements(), 0.0);
      wide(start, end, Room(this->data, pieces.block, *scratch), sums);
      add(sums, k);
    }
    this->counters.add_read(this->bytes_of(end - start));
  }

  void narrow(std::int64_t start, std::int64_t end, const typename PanelReader<T>::NarrowRoom& room, double* sums) {
    for (std::int64_t i = start; i < end && !this->stop(); i += pieces.block) {
      const std::int64_t next = std::min(i + pieces.block, end);
      NarrowBlock<T> block = this->reader.read_narrow(i, next - i, room);
      block.out = sums;
      kernels<T>().moments.narrow[this->data.x.d](block);
    }
  }

  void wide(std::int64_t start, std::int64_t end, const typename PanelReader<T>::Room& room, double* sums) {
    for (std::int64_t i = start; i < end && !this->stop(); i += pieces.block) {
      const std::int64_t next = std::min(i + pieces.block, end);
      this->reader.read(i, next - i, 0, room);
      Ahead ahead = this->reader.ahead(next, std::min(pieces.block, end - next));
      for (std::int64_t k = 0; k <= this->strips; ++k) {
        this->band(k, 0, this->strips, room, 0, next - i, sums, ahead);
      }
      this->scalars(i, next - i, room, sums);
    }
  }

  void add(const double* sums, int k) {
    double* const matrix = matrices + k * elements();
    for (std::int64_t e = 0; e < elements(); ++e) matrix[e] += sums[e];
  }

  // Pairwise, neighbours first.
  void merge(double* gram) {
    for (int step = 1; step < pieces.matrices; step *= 2) {
      for (int i = 0; i + step < pieces.matrices; i += 2 * step) add(matrices + (i + step) * elements(), i);
    }
    std::copy_n(matrices, elements(), gram);
  }
};

int threads_for_moments(std::int64_t n, std::int64_t d) {
  // Waking a helper takes about 10 µs, in which one thread does some 2¹⁸ products.
  const double shares = static_cast<double>(n) * static_cast<double>((d + 2) * (d + 2)) / (1 << 19);
  return static_cast<int>(std::clamp(shares, 1.0, static_cast<double>(num_threads())));
}

template <class T>
bool in_pieces(const DataSet& data, double* gram, Counters& counters, const Stop* stop) {
  const Pieces pieces(data.x.n, data.x.d);
  const std::int64_t elements = pieces.matrices * (data.x.d + 2) * (data.x.d + 2);
  std::vector<double> matrices(static_cast<std::size_t>(elements));
  counters.take(elements * 8);
  PieceJob<T> job{{data, counters, StopFlag(stop)}, pieces, matrices.data()};
  const int threads = threads_for_moments(data.x.n, data.x.d);
  for (; job.first < pieces.count && !job.stop(); job.first += pieces.matrices) {
    const int count = static_cast<int>(std::min<std::int64_t>(pieces.matrices, pieces.count - job.first));
    run_tasks(count, threads, [](void* self, int k) { static_cast<PieceJob<T>*>(self)->piece(k); }, &job);
  }
  job.merge(gram);
  counters.give(elements * 8);
  return !job.stop();
}

// --- a large matrix: one, of which each thread makes some tiles ---

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
std::vector<Tile> tiles_of(std::int64_t strips) {
  constexpr std::int64_t kBands = 4, kStrips = 6;
  std::vector<Tile> tiles;
  for (std::int64_t strip = 0; strip < strips; strip += kStrips) {
    const std::int64_t end = std::min(strip + kStrips, strips);
    for (std::int64_t band = 0; band < end; band += kBands) tiles.push_back({band, std::min(band + kBands, end), strip, end});
    tiles.push_back({strips, strips + 1, strip, end});
  }
  return tiles;
}

template <class T>
struct SheetJob : Job<T> {
  static constexpr std::int64_t kRowsATask = 32;
  const typename PanelReader<T>::Room& room;
  double* gram;
  std::vector<Tile> tiles = tiles_of(this->strips);
  std::int64_t first = 0, rows = 0;  // of the current sheet

  void read(int k) {
    const std::int64_t at = k * kRowsATask;
    this->reader.read(first + at, std::min(kRowsATask, rows - at), at, room);
  }

  void tile(int k) {
    if (this->stop()) return;
    const Tile& t = tiles[static_cast<std::size_t>(k)];
    Ahead nothing{};
    for (std::int64_t row = 0; row < rows; row += kSheetBlockRows) {
      for (std::int64_t b = t.band; b < t.band_end; ++b) {
        this->band(b, t.strip, t.strip_end, room, row, std::min(kSheetBlockRows, rows - row), gram, nothing);
      }
    }
  }
};

template <class T>
bool in_sheets(const DataSet& data, double* gram, Counters& counters, const Stop* stop) {
  using Room = typename PanelReader<T>::Room;
  const std::int64_t most = std::min(sheet_rows(data.x.d), round_up(data.x.n, kSheetBlockRows));
  const auto bytes = static_cast<std::int64_t>(Room::bytes(data, most));
  Scratch scratch;  // too much for a thread to keep from call to call
  scratch.reserve(Room::bytes(data, most));
  const Room room(data, most, scratch);
  counters.take(bytes);
  SheetJob<T> job{{data, counters, StopFlag(stop)}, room, gram};
  std::fill_n(gram, job.size * job.size, 0.0);
  const int threads = threads_for_moments(data.x.n, data.x.d);
  for (; job.first < data.x.n && !job.stop(); job.first += most) {
    job.rows = std::min(most, data.x.n - job.first);
    const auto reads = static_cast<int>((job.rows + job.kRowsATask - 1) / job.kRowsATask);
    run_tasks(reads, threads, [](void* self, int k) { static_cast<SheetJob<T>*>(self)->read(k); }, &job);
    run_tasks(
        static_cast<int>(job.tiles.size()), threads,
        [](void* self, int k) { static_cast<SheetJob<T>*>(self)->tile(k); }, &job);
    job.scalars(job.first, job.rows, room, gram);
    counters.add_read(job.bytes_of(job.rows));
  }
  counters.give(bytes);
  return !job.stop();
}

// What was summed once is copied to its mirror image.
void mirror(double* gram, std::int64_t d) {
  const std::int64_t size = d + 2;
  for (std::int64_t j = 0; j < size; ++j) {
    for (std::int64_t k = 0; k < j; ++k) {
      double &lower = gram[j * size + k], &upper = gram[k * size + j];
      if (j >= d && k < d && d >= kNarrowMoments) {
        upper = lower;
      } else {
        lower = upper;
      }
    }
  }
}

}  // namespace

template <class T>
bool moments(const MatrixView& x, const VectorView& y, const VectorView& s, double* gram, Counters& counters,
             const Stop* stop) {
  const DataSet data{x, y, s};
  const bool small = 8 * (x.d + 2) * (x.d + 2) <= 128 << 10;
  if (!(small ? in_pieces<T>(data, gram, counters, stop) : in_sheets<T>(data, gram, counters, stop))) return false;
  mirror(gram, x.d);
  return true;
}

template bool moments<float>(const MatrixView&, const VectorView&, const VectorView&, double*, Counters&, const Stop*);
template bool moments<double>(const MatrixView&, const VectorView&, const VectorView&, double*, Counters&, const Stop*);

}  // namespace gdfast
