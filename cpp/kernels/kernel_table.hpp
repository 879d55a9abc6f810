// What one instruction set exports: plain functions over plain pointers, one table for each dtype.
// Files compiled with an ISA's own flags include no standard container or algorithm, so that the linker can't keep
// a copy of a shared inline function that only some CPUs can run.
#pragma once

#include "storage_types.hpp"

namespace gdfast {

// Below this many columns a register holds 16 rows of one column, for any layout and operation.
inline constexpr std::int64_t kNarrow = 16;
// The fused kernel still does so, all columns at once, below these: measured, `cpp/kernels/README.md`. Rows of 17 float32
// would fill one lane of their second register; float64 has half as many lanes to fill.
inline constexpr std::int64_t kNarrowColumns = 17;
template <class T>
inline constexpr std::int64_t kNarrowRows = sizeof(T) == 4 ? 21 : 16;
// Contiguous columns that can be walked a strip of rows at a time: their sums take 64 bytes of L1 each.
inline constexpr std::int64_t kMostStripColumns = 112;

// The virtual register: 64 bytes on every ISA, so that sums are cut into the same lanes everywhere.
template <class T>
inline constexpr int kLanes = static_cast<int>(64 / sizeof(T));

// Runs may be cut anywhere on a multiple of this without changing a bit: every chunk after which partial sums move
// to float64 divides it.
inline constexpr std::int64_t kRunRows = 2048;

// The same for rows too many columns for a lane each: they are cut at a multiple of this.
inline constexpr std::int64_t kRowChunk = 256;

// How many terms one chain of additions in x's dtype may have. Where all terms are equal each addition may round the same
// way, and a chain of m is off by m/4 units in the last place: so chains are short, few of them make a second chain, and
// that goes to float64. `cpp/kernels/README.md` has the sum.
inline constexpr std::int64_t kTerms = 16;
// Down the rows of a register of float32, twice as many are as many rows.
inline constexpr std::int64_t kSumRows = 2 * kTerms * kLanes<float>;
// Of the column kernel, for one segment.
inline constexpr std::int64_t kMostBlockRows = 2 * kSumRows;

// A run of rows as a kernel sees it. Strides are in elements; y, s, y_pred and out are contiguous.
template <class T>
struct Run {
  const T* x;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
  const T* const* columns;  // listed columns, instead of x and its strides: where each begins
  std::int64_t n;
  std::int64_t d;
  const T* y;
  const T* s;       // sample weights, or null
  const T* y_pred;  // gradient alone: the prediction to take the residual from
  T* out;           // forward alone: where the prediction goes
  const T* w;       // d weights, then zeros up to a whole register; fused, below kNarrow columns, d weights are enough
  T* panel;         // room for d elements rounded up to a whole register: the gradient of the current chunk
  std::int64_t block_rows;  // column kernel: rows a block, of whole registers
  std::byte* room;          // column kernel: `column_room` bytes, on a line of the cache
  T b;
};

// What the column kernel keeps of a block: each row's prediction, of some columns too, and in float64; and, where sums stay
// in T beyond a block, those of each column.
template <class T>
constexpr std::int64_t column_room(std::int64_t block_rows, std::int64_t d) {
  const std::int64_t kept = block_rows % kSumRows == 0 ? 0 : d * kLanes<T>;
  return block_rows * static_cast<std::int64_t>(2 * sizeof(T) + sizeof(double)) +
         kept * static_cast<std::int64_t>(sizeof(T));
}

// Sums over a segment, in float64. A lane is the row's number modulo the lanes of a register.
struct Sums {
  double loss[kLanes<float>];
  double grad_b[kLanes<float>];
  double weight[kLanes<float>];
  double* grad;  // d sums
};

template <class T>
using RunKernel = void (*)(const Run<T>&, Sums&);

// So many runs, of segments of one length, walked together.
inline constexpr int kAbreast = 4;
template <class T>
using AbreastKernel = void (*)(const Run<T> (&runs)[kAbreast], Sums (&sums)[kAbreast]);

// Runs of the same rows for several models at once: x, its strides, n and d are the same in all.
inline constexpr int kMostModels = 8;
template <class T>
using ModelsKernel = void (*)(const Run<T>* runs, Sums* sums, int count);

// Segments that follow each other as one run, in one block: so many rows each but for the last, and a Sums each.
template <class T>
using ConsecutiveKernel = void (*)(const Run<T>& run, std::int64_t segment_rows, Sums* sums);

// The same run in three parts: all of it, the prediction alone, the gradient of a given prediction alone.
template <class T>
struct Parts {
  RunKernel<T> fused;
  RunKernel<T> forward;
  RunKernel<T> gradient;
};

// --- moments ---

// Below this many columns the moments are taken with rows in the lanes of a register; from it on, with columns.
inline constexpr std::int64_t kNarrowMoments = 7;

// Rows in float64, eight columns to a strip. A strip's rows follow each other; `stride` elements lead to the next strip.
inline constexpr std::int64_t kStrip = 8;
struct Panel {
  double* data;
  std::ptrdiff_t stride;
};

// Rows of d elements that are to be a panel, less an origin.
template <class T>
struct RowsOfPanel {
  const T* x;
  std::ptrdiff_t row_stride;
  std::int64_t n, d;
  const double* origin;
  Panel out;
};

// Memory to fetch while something else is computed: `runs` times `bytes` bytes.
struct Area {
  const char* from;
  std::int64_t bytes;
  std::ptrdiff_t stride;
  std::int64_t runs;
};
struct Ahead {
  Area area[3];
  int areas;         // still to come
  const char* next;  // the next line of the current run
  const char* end;   // of that run
  double a_product;  // lines for each product that is made of a row meanwhile
  double due;        // lines that those made so far have left over
  bool into_l2;      // and no nearer
};

// out[a][c] += Σᵢ left[i][a] · right[i][c], for a few columns on the left and all columns of some strips on the right.
struct Band {
  const double* left;        // the first column
  std::ptrdiff_t left_step;  // from row to row
  const double* right;       // the first strip
  std::ptrdiff_t stride;     // from strip to strip of right
  std::int64_t n;
  int columns;         // of left: 1 to 8
  std::int64_t width;  // columns of right
  double* out;
  std::ptrdiff_t out_stride;  // from row to row
  bool on_diagonal;           // the first strip on the right is the left: below the diagonal nothing need be made
};

// Few columns, or none: each contiguous, or rows that follow each other. y and s are contiguous; s may be null.
template <class T>
struct NarrowBlock {
  const T* x = nullptr;
  std::ptrdiff_t stride = 0;       // from column to column
  const double* origin = nullptr;  // what is subtracted from each column
  double y_origin = 0;             // and from y
  const T* y = nullptr;
  const T* s = nullptr;
  std::int64_t n = 0;
  double* out = nullptr;  // (d + 2)², of which the upper triangle is added to
  // What the rows after these lie in, to be fetched meanwhile: `next_stride` elements for each column. May be x itself.
  const T* next = nullptr;
  std::ptrdiff_t next_stride = 0;
};

struct PanelTable {
  void (*band)(const Band&, Ahead&);
  // to = s · from, row by row; s is every second number of tail.
  void (*scale)(Panel from, std::int64_t strips, const double* tail, std::int64_t n, Panel to);
  // The rows that are numbered, less an origin.
  void (*pick)(Panel from, std::int64_t strips, const std::int64_t* rows, std::int64_t n, const double* origin,
               Panel to);
};

// Rows of a symmetric matrix, each `n` elements from where its address points.
struct RowsTable {
  // to[k] += Σᵢ factors[i] · rows[i][k]
  void (*add)(const double* factors, const double* const* rows, std::int64_t count, std::int64_t n, double* to);
  // out[i] = Σₖ rows[i][k] · with[k]
  void (*dot)(const double* const* rows, std::int64_t count, const double* with, std::int64_t n, double* out);
};

template <class T>
struct MomentsTable {
  // n rows of d elements, contiguous by rows or by columns, as a panel, less an origin of whole strips.
  void (*rows)(const T* x, std::ptrdiff_t row_stride, std::int64_t n, std::int64_t d, const double* origin, Panel out);
  void (*columns)(const T* x, std::ptrdiff_t column_stride, std::int64_t n, std::int64_t d, const double* origin,
                  Panel out);
  // Of the rows of such x that are numbered.
  void (*picked)(const T* x, std::ptrdiff_t row_stride, const std::int64_t* rows, std::int64_t n, std::int64_t d,
                 const double* origin, Panel out);
  // s and s·(y − y_origin) of each row; s may be null.
  void (*tail)(const T* y, const T* s, std::int64_t n, double y_origin, double* out);
  // Rows of a few elements as columns, `stride` elements apart.
  void (*turn)(const T* x, std::ptrdiff_t row_stride, std::int64_t n, std::int64_t d, T* out, std::ptrdiff_t stride);
  void (*narrow[kNarrowMoments])(const NarrowBlock<T>&);  // by d
  void (*narrow_rows[kNarrowMoments])(
      const NarrowBlock<T>&);  // rows that follow each other; null where they are turned
  // The band of the first eight columns, whose first tile makes the panel; null where a panel had better be there.
  void (*band_of_rows)(const Band&, const RowsOfPanel<T>&, Ahead&) = nullptr;
};

// Fused, by d.
template <class T>
struct NarrowTable {
  RunKernel<T> rows[kNarrowRows<T>];     // contiguous rows
  RunKernel<T> columns[kNarrowColumns];  // contiguous columns
};

// The list of a run's columns is longer than there are columns: what lies at the further addresses is fetched, and not used.
inline constexpr std::int64_t kFurtherColumns = 8;

// Columns that lie anywhere, each contiguous.
template <class T>
struct ListedTable {
  RunKernel<T> near_narrow[kNarrowColumns], narrow[kNarrowColumns];  // fused, by d
  RunKernel<T> strips;                                               // fused
  Parts<T> blocks;
};

// n numbers of some storage type that lie `stride` bytes apart, as T, `step` elements apart.
template <class T>
using Convert = void (*)(const char* from, std::ptrdiff_t stride, std::int64_t n, T* to, std::ptrdiff_t step);

// n numbers of one bit each, from bit number `bit` of the bytes on.
template <class T>
using Unpack = void (*)(const char* bytes, std::int64_t bit, std::int64_t n, T* to, std::ptrdiff_t step);

// What memory holds beyond the rows at hand: left to the hardware, as where x lies in the cache; fetched by software far
// ahead, or near. It shows in no bit.
enum class Fetch { none, far, near };

// `cached`: the same, bit for bit, for x that lies in the cache.
template <class T>
struct KernelTable {
  NarrowTable<T> narrow[3];    // by Fetch
  Parts<T> rows, cached_rows;  // contiguous rows
  // fused, contiguous rows: four segments at once; rows so long that they lie far apart; of no more than so many columns
  AbreastKernel<T> abreast_rows;
  RunKernel<T> far_rows;
  ModelsKernel<T> model_rows;  // fused, contiguous rows
  RunKernel<T> held_rows;
  std::int64_t most_held;
  Parts<T> columns;                   // contiguous columns
  ConsecutiveKernel<T> long_columns;  // fused: the same for long pieces of them
  RunKernel<T> column_strips;         // fused: the same where strips of them stay in L1
  RunKernel<T> kept_strips;           // fused: the same where they have to be kept there
  ListedTable<T> listed;
  void (*squares)(const T* y, const T* y_pred, std::int64_t n, Sums& sums);
  bool (*any_negative)(const T* s, std::int64_t n);
  Convert<T> convert[StorageTypes::count];  // by DType
  Unpack<T> unpack;
  double (*sum)(const T* x, std::int64_t n);  // reads x once and does as little as can be: the bandwidth probe
  MomentsTable<T> moments;
};

// Those of float64, and what is computed in float64 alone.
struct F64Kernels {
  KernelTable<double> table;
  PanelTable panel;
  RowsTable rows;
};

// A file each: what takes the compiler longest is shared out among cores.
extern const KernelTable<float> kScalarF32, kAvx2F32, kAvx512F32, kNeonF32;
extern const F64Kernels kScalarF64, kAvx2F64, kAvx512F64, kNeonF64;

}  // namespace gdfast
