// Up to eight places in memory that lie a constant stride apart and are walked together: rows, or columns.
//
// Compilers give each of them a register of its own, x86 has too few, and what is spilled costs a third of the speed at
// small d. Two pointers and two strides address all eight: [p + 2s] and the like are free.
#pragma once

#include "kernel_table.hpp"
#include "register.hpp"

namespace gdfast {
namespace {

// The compiler forgets where a value came from, so that it can't derive others from it beforehand.
#ifdef GDFAST_COMPACT
#define GDFAST_OPAQUE(value) static_cast<void>(value)
#else
#define GDFAST_OPAQUE(value) asm("" : "+r"(value))
#endif

template <class T, int Count>
class Streams {
 public:
  static constexpr std::ptrdiff_t kLine = 64;
  static_assert(Count <= 8);

  // Of columns from number j on, from row i on.
  GDFAST_INLINE Streams(const Run<T>& run, std::int64_t j, std::int64_t i)
      : Streams(run.x + j * run.column_stride + i, run.column_stride) {}

  // Stream 0 at p, each next one `stride` elements further.
  GDFAST_INLINE Streams(const T* p, std::ptrdiff_t stride)
      : zero_(reinterpret_cast<const char*>(p)),
        stride_(stride * static_cast<std::ptrdiff_t>(sizeof(T))),
        stride3_(3 * stride_),
        three_(zero_ + stride3_) {
    hide();
  }

  // To the next register of each stream.
  GDFAST_INLINE void advance() {
    zero_ += kLine;
    if constexpr (Count > 3) three_ += kLine;
    hide();
  }

  GDFAST_INLINE const T* operator[](int i) const { return reinterpret_cast<const T*>(at(i)); }

 private:
  const char* zero_;
  std::ptrdiff_t stride_, stride3_;
  const char* three_;

  GDFAST_INLINE const char* at(int i) const {
    switch (i) {
      case 0:
        return zero_;
      case 1:
        return zero_ + stride_;
      case 2:
        return zero_ + 2 * stride_;
      case 3:
        return three_;
      case 4:
        return zero_ + 4 * stride_;
      case 5:
        return three_ + 2 * stride_;
      case 6:
        return three_ + stride3_;
      default:
        return three_ + 4 * stride_;
    }
  }

  GDFAST_INLINE void hide() {
    GDFAST_OPAQUE(zero_);
    GDFAST_OPAQUE(stride_);
    if constexpr (Count > 3) {
      GDFAST_OPAQUE(three_);
      GDFAST_OPAQUE(stride3_);
    }
  }
};

// The same of columns that lie anywhere.
template <class T, int Count>
class ListedStreams {
 public:
  GDFAST_INLINE ListedStreams(const Run<T>& run, std::int64_t j, std::int64_t i) : row_(i) {
    GDFAST_UNROLL for (int c = 0; c < Count; ++c) column_[c] = run.columns[j + c];
  }

  GDFAST_INLINE void advance() { row_ += Streams<T, Count>::kLine / static_cast<std::ptrdiff_t>(sizeof(T)); }

  GDFAST_INLINE const T* operator[](int i) const { return column_[i] + row_; }

 private:
  const T* column_[Count];
  std::ptrdiff_t row_;
};

}  // namespace
}  // namespace gdfast
