#include "models_pass.hpp"

#include <algorithm>
#include <bit>

#include "counted_scratch.hpp"
#include "dispatch.hpp"
#include "machine.hpp"
#include "pack.hpp"
#include "thread_pool.hpp"

namespace gdfast {

template <class T>
void Targets<T>::read(std::int64_t first, std::int64_t rows, std::int64_t model, int count, std::byte* room,
                      const T** out) const {
  for (int k = 0; k < count; ++k) {
    if (columns_.data == nullptr) {
      out[k] = nullptr;
    } else if (ready_) {
      out[k] = reinterpret_cast<const T*>(column(columns_, model + k).data) + first;
    } else if (k > 0 && columns_.column_stride == 0) {
      out[k] = out[0];
    } else {
      T* const copy = reinterpret_cast<T*>(room);
      room += Scratch::bytes<T>(rows);
      pack_vector(column(columns_, model + k), first, rows, copy);
      out[k] = copy;
    }
  }
}

namespace {

// Bytes of x in a run, as in `pass.cpp`, where all models are taken at once.
constexpr std::int64_t kRunBytes = 16 << 20;
// Of all groups' sums together, where threads don't ask for more groups.
constexpr std::int64_t kMostSums = 2 << 20;
// For each thread, so that a slow one holds nobody up.
constexpr int kGroupsAThread = 4;

void add(const double* from, std::int64_t count, double* into) {
  for (std::int64_t j = 0; j < count; ++j) into[j] += from[j];
}

template <class T>
class Job {
 public:
  Job(const ModelsPass<T>& pass, int threads, std::vector<double>& sums)
      : pass_(pass),
        stop_(pass.stop),
        size_(pass.models * (kModelScalars + pass.source.d())),
        batch_(models_at_once()),
        rows_(rows_a_piece()),
        group_(segments_a_group(threads)),
        sums_(sums) {
    sums_.assign(static_cast<std::size_t>(size_ * tasks()), 0.0);
  }

  int tasks() const { return (pass_.segments.count + group_ - 1) / group_; }
  bool stopped() const { return stop_.stopped(); }

  // A group of segments, which begins with a multiple of their number: their sums are a branch of the tree of all.
  void task(int k) {
    const std::int64_t panel = padded(pass_.source.d());
    const std::size_t room = pass_.source.room_bytes(pass_.walk.order, rows_);
    const std::int64_t levels = std::bit_width(static_cast<unsigned>(group_));
    const bool rows = pass_.walk.order == Order::rows;
    const std::int64_t block = rows ? 0 : column_room<T>(pass_.walk.block_rows, pass_.source.d());
    CountedScratch scratch(room + pass_.y.room_bytes(rows_, batch_) + pass_.y_pred.room_bytes(rows_, batch_) +
                               Scratch::bytes<T>(batch_ * panel) + Scratch::bytes<Sums>(pass_.models) +
                               Scratch::bytes<double>(levels * size_) + Scratch::bytes<std::byte>(block),
                           nullptr);
    Work work;
    work.piece = scratch->template take<std::byte>(static_cast<std::int64_t>(room));
    work.y = scratch->template take<std::byte>(static_cast<std::int64_t>(pass_.y.room_bytes(rows_, batch_)));
    work.y_pred = scratch->template take<std::byte>(static_cast<std::int64_t>(pass_.y_pred.room_bytes(rows_, batch_)));
    work.panels = scratch->template take<T>(batch_ * panel);
    work.lanes = scratch->template take<Sums>(pass_.models);
    work.block = scratch->template take<std::byte>(block);
    auto* const own = scratch->template take<double>(levels * size_);
    add_up(k * group_, group_, work, own);
    std::copy_n(own, size_, sums_.data() + k * size_);
  }

  // Into the first group's. Pairwise, neighbours first.
  void merge() {
    for (int step = 1; step < tasks(); step *= 2) {
      for (int k = 0; k + step < tasks(); k += 2 * step) {
        add(sums_.data() + (k + step) * size_, size_, sums_.data() + k * size_);
      }
    }
    sums_.resize(static_cast<std::size_t>(size_));
  }

 private:
  const ModelsPass<T>& pass_;
  StopFlag stop_;
  const std::int64_t size_;   // numbers of all models' sums
  const std::int64_t batch_;  // models that the kernel has at once
  const std::int64_t rows_;   // a piece
  const int group_;           // segments a task, a power of two
  std::vector<double>& sums_;

  // What a task has room for.
  struct Work {
    std::byte *piece, *y, *y_pred;
    T* panels;
    Sums* lanes;
    std::byte* block;  // the column kernel's, which has one model at a time
  };

  // As many as have their weights and panels in L1, and no fewer than there are registers for.
  std::int64_t models_at_once() const {
    constexpr std::int64_t kFewest = 4;
    const std::int64_t bytes = 2 * padded(pass_.source.d()) * static_cast<std::int64_t>(sizeof(T));
    const std::int64_t fit = std::clamp<std::int64_t>(caches().l1 / 2 / bytes, kFewest, kMostModels);
    return std::min(fit, pass_.models);
  }

  std::int64_t rows_a_piece() const {
    const Order order = pass_.walk.order;
    const std::int64_t most = std::min(pass_.source.rows_a_piece(order), pass_.segments.rows);
    // Where a piece is made in the cache its end decides bits, and is that of a call for one model.
    if (!pass_.source.layout().ready(order) || pass_.source.layout().made) return most;
    const bool at_once = pass_.walk.together != nullptr && pass_.models <= batch_;
    const std::int64_t bytes = at_once ? kRunBytes : caches().l2 / 2;
    const std::int64_t row_bytes = pass_.source.d() * static_cast<std::int64_t>(sizeof(T));
    const std::int64_t unit = pass_.walk.unit_rows;
    return std::min(std::max<std::int64_t>(bytes / row_bytes / unit, 1) * unit, most);
  }

  int segments_a_group(int threads) const {
    const auto groups = [this](int size) { return (pass_.segments.count + size - 1) / size; };
    int size = 1;
    while (groups(size) * size_ * static_cast<std::int64_t>(sizeof(double)) > kMostSums &&
           groups(2 * size) >= kGroupsAThread * threads) {
      size *= 2;
    }
    return size;
  }

  // The sums of so many segments, a power of two, from the first on, as the tree over all of them has it. What follows
  // `sums` is room for the branches on the way.
  void add_up(int first, int count, const Work& work, double* sums) {
    if (count == 1) return segment(first, work, sums);
    const int half = count / 2;
    add_up(first, half, work, sums);
    if (first + half >= pass_.segments.count) return;
    add_up(first + half, half, work, sums + size_);
    add(sums + size_, size_, sums);
  }

  void segment(int index, const Work& work, double* sums) {
    const std::int64_t own = kModelScalars + pass_.source.d();
    std::fill_n(sums, size_, 0.0);
    for (std::int64_t k = 0; k < pass_.models; ++k) {
      work.lanes[k] = {};
      work.lanes[k].grad = sums + k * own + kModelScalars;
    }
    const std::int64_t end = pass_.segments.end(index);
    for (std::int64_t start = pass_.segments.start(index); start < end; start += rows_) {
      if (stop_()) return;
      piece(start, std::min(rows_, end - start), work);
    }
    for (std::int64_t k = 0; k < pass_.models; ++k) {
      double* const scalars = sums + k * own;
      scalars[0] = gdfast::add_lanes(work.lanes[k].loss);
      scalars[1] = gdfast::add_lanes(work.lanes[k].grad_b);
      scalars[2] = gdfast::add_lanes(work.lanes[k].weight);
    }
  }

  void piece(std::int64_t start, std::int64_t count, const Work& work) {
    const Piece<T> rows = pass_.source.piece(pass_.walk.order, start, count, {work.piece, rows_});
    for (std::int64_t first = 0; first < pass_.models; first += batch_) {
      const int models = static_cast<int>(std::min(batch_, pass_.models - first));
      Run<T> runs[kMostModels];
      fill(rows, start, count, first, models, work, runs);
      if (pass_.walk.together != nullptr) {
        pass_.walk.together(runs, work.lanes + first, models);
        continue;
      }
      for (int k = 0; k < models; ++k) {
        (first + k == 0 ? pass_.walk.kernel : pass_.walk.again)(runs[k], work.lanes[first + k]);
      }
    }
    if (pass_.negative != nullptr && kernels<T>().any_negative(rows.s, count)) {
      pass_.negative->store(true, std::memory_order_relaxed);
    }
  }

  void fill(const Piece<T>& rows, std::int64_t start, std::int64_t count, std::int64_t first, int models,
            const Work& work, Run<T>* runs) const {
    const std::int64_t d = pass_.source.d(), panel = padded(d);
    const T *y[kMostModels], *y_pred[kMostModels];
    pass_.y.read(start, count, first, models, work.y, y);
    pass_.y_pred.read(start, count, first, models, work.y_pred, y_pred);
    for (int k = 0; k < models; ++k) {
      const std::int64_t model = first + k;
      runs[k] = {.x = rows.x,
                 .row_stride = rows.row_stride,
                 .column_stride = rows.column_stride,
                 .columns = rows.columns,
                 .n = count,
                 .d = d,
                 .y = y[k],
                 .s = rows.s,
                 .y_pred = y_pred[k],
                 .out = pass_.out == nullptr ? nullptr : pass_.out + model * pass_.source.n() + start,
                 .w = pass_.w == nullptr ? nullptr : pass_.w + model * panel,
                 .panel = work.panels + k * panel,
                 .block_rows = pass_.walk.block_rows,
                 .room = work.block,
                 .b = pass_.b == nullptr ? T(0) : pass_.b[model]};
    }
  }
};

}  // namespace

template <class T>
bool run(const ModelsPass<T>& pass, std::vector<double>& sums) {
  const int threads = threads_for(pass.segments.n, pass.source.d() * pass.models, sizeof(T));
  Job<T> job(pass, threads, sums);
  run_tasks(job.tasks(), threads, [](void* self, int k) { static_cast<Job<T>*>(self)->task(k); }, &job);
  if (job.stopped()) return false;
  job.merge();
  return true;
}

template class Targets<float>;
template class Targets<double>;
template bool run(const ModelsPass<float>&, std::vector<double>&);
template bool run(const ModelsPass<double>&, std::vector<double>&);

}  // namespace gdfast
