#include "grouped_blocks.hpp"

#include <cstring>

namespace gdfast {

template <class T>
Window<T>::Window(const Source<T>& source, bool all, Scratch& scratch)
    : source_(source), all_(all), room_{scratch.take<std::byte>(static_cast<std::int64_t>(bytes(source))), kRows} {
  if (all) piece_ = source.piece(order(source), 0, source.n(), room_);
}

template <class T>
std::int64_t Window<T>::read(std::int64_t first, std::int64_t count) {
  if (all_) return 0;
  piece_ = source_.piece(order(source_), first, count, room_);
  return first;
}

template <class T>
std::size_t WideBlocks<T>::bytes(const Source<T>& source, std::int64_t blocks) {
  const std::size_t block =
      Panels::bytes(source.d(), source.weighted(), kBlockRows) + BlockVectors<T>::bytes(source.weighted(), kBlockRows);
  return Window<T>::bytes(source) + Panels::bytes(source.d(), false, Window<T>::kRows) +
         static_cast<std::size_t>(blocks) * block;
}

template <class T>
WideBlocks<T>::WideBlocks(const Source<T>& source, std::int64_t blocks, Scratch& scratch)
    : bands_{source.d()}, window_(source, shared(source), scratch), zero_(source.d()) {
  if (!shared(source)) widened_.emplace(source.d(), false, Window<T>::kRows, scratch);
  for (std::int64_t k = 0; k < blocks; ++k) {
    panels_.emplace_back(source.d(), source.weighted(), kBlockRows, scratch);
    vectors_.emplace_back(source.weighted(), kBlockRows, scratch);
  }
}

template <class T>
std::int64_t WideBlocks<T>::read(std::int64_t first, std::int64_t count) {
  const std::int64_t start = window_.read(first, count);
  if (!widened_) return start;
  widen(window_.piece(), window_.order(), count, bands_.d, zero_, widened_->x);
  return start;
}

template <class T>
void WideBlocks<T>::append(std::size_t block, const std::int64_t* rows, std::int64_t count, std::int64_t at,
                           const Origin& origin) {
  const Piece<T>& piece = window_.piece();
  const Panel to = panels_[block].rows_from(at);
  if (widened_) {
    panel_kernels().pick(widened_->x, bands_.strips, rows, count, origin.x(), to);
  } else {
    kernels<T>().moments.picked(piece.x, piece.row_stride, rows, count, bands_.d, origin.x(), to);
  }
  vectors_[block].append(piece, rows, count, at);
}

template <class T>
void WideBlocks<T>::sum(std::size_t block, std::int64_t n, const Origin& origin, double* sums, Ahead& ahead) const {
  const Panels& panels = panels_[block];
  const BlockVectors<T>& vectors = vectors_[block];
  panels.finish(vectors.y, vectors.s, origin.y, 0, n);
  bands_.sum(panels, n, sums, ahead);
  bands_.scalars(NarrowBlock<T>{nullptr, 0, nullptr, origin.y, vectors.y, vectors.s, n, nullptr}, sums);
}

template <class T>
std::size_t NarrowBlocks<T>::bytes(const Source<T>& source, std::int64_t blocks) {
  const std::size_t block =
      Scratch::bytes<T>(source.d() * kStride) + BlockVectors<T>::bytes(source.weighted(), kNarrowBlockRows);
  return Window<T>::bytes(source) + static_cast<std::size_t>(blocks) * block;
}

template <class T>
NarrowBlocks<T>::NarrowBlocks(const Source<T>& source, std::int64_t blocks, Scratch& scratch)
    : d_(source.d()), window_(source, shared(source), scratch) {
  for (std::int64_t k = 0; k < blocks; ++k) {
    columns_.push_back(scratch.take<T>(d_ * kStride));
    vectors_.emplace_back(source.weighted(), kNarrowBlockRows, scratch);
  }
}

template <class T>
void NarrowBlocks<T>::append(std::size_t block, const std::int64_t* rows, std::int64_t count, std::int64_t at,
                             const Origin& /*origin*/) {
  const Piece<T>& piece = window_.piece();
  for (std::int64_t j = 0; j < d_; ++j) {
    const T* const from = piece.x + j * piece.column_stride;
    T* const to = columns_[block] + j * kStride + at;
    for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i, from + rows[i] * piece.row_stride, sizeof(T));
  }
  vectors_[block].append(piece, rows, count, at);
}

template <class T>
void NarrowBlocks<T>::sum(std::size_t block, std::int64_t n, const Origin& origin, double* sums,
                          Ahead& /*ahead*/) const {
  const BlockVectors<T>& vectors = vectors_[block];
  kernels<T>().moments.narrow[d_]({.x = columns_[block],
                                   .stride = kStride,
                                   .origin = origin.x(),
                                   .y_origin = origin.y,
                                   .y = vectors.y,
                                   .s = vectors.s,
                                   .n = n,
                                   .out = sums,
                                   .next = columns_[block],
                                   .next_stride = kStride});
}

template class Window<float>;
template class Window<double>;
template class WideBlocks<float>;
template class WideBlocks<double>;
template class NarrowBlocks<float>;
template class NarrowBlocks<double>;

}  // namespace gdfast
