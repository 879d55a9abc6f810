// One pass over a source for several models: `pass.hpp` with pieces so small that the cache keeps them for all.
#pragma once

#include <atomic>
#include <vector>

#include "pass.hpp"
#include "sources/vectors.hpp"

namespace gdfast {

// y or y_pred of each model, of any floating dtype and stride, handed out as contiguous T.
template <class T>
class Targets {
 public:
  // A column a model; columns that are 0 bytes apart are one, and null data is none at all.
  explicit Targets(const MatrixView& columns)
      : columns_(columns),
        ready_(columns.data == nullptr || (lies_ready<T>(column(columns, 0)) && lies_ready<T>(column(columns, 1)))) {}

  std::size_t room_bytes(std::int64_t rows, std::int64_t models) const {
    return static_cast<std::size_t>(copies(models)) * Scratch::bytes<T>(rows);
  }
  // Rows [first, first + rows) of `count` models from `model` on, into out. Copies go to the room.
  void read(std::int64_t first, std::int64_t rows, std::int64_t model, int count, std::byte* room, const T** out) const;

 private:
  MatrixView columns_;
  bool ready_;

  std::int64_t copies(std::int64_t models) const { return ready_ ? 0 : columns_.column_stride == 0 ? 1 : models; }
};

template <class T>
struct ModelsPass {
  const Source<T>& source;  // x and s
  Targets<T> y, y_pred;
  std::int64_t models;
  Segments segments;
  ModelsWalk<T> walk;
  const T* w = nullptr;  // for each model d weights, padded
  const T* b = nullptr;  // for each model
  T* out = nullptr;      // n predictions for each model
  const Stop* stop = nullptr;
  std::atomic<bool>* negative = nullptr;
};

// What a model's sums are, in this order: of the loss, the intercept's gradient and the weights, then d of the gradient.
inline constexpr std::int64_t kModelScalars = 3;

// Into `sums`, which is made as long as that takes, of all models. False if `stop` gave up.
template <class T>
bool run(const ModelsPass<T>& pass, std::vector<double>& sums);

}  // namespace gdfast
