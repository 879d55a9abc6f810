// y, s and y_pred of a source: of any floating dtype and stride, handed out as contiguous T.
#pragma once

#include "engine/matrix_view.hpp"
#include "engine/pack.hpp"
#include "engine/scratch.hpp"
#include "engine/source.hpp"

namespace gdfast {

// Whether a kernel of T can read v as it is.
template <class T>
bool lies_ready(const VectorView& v) {
  return v.dtype == kDType<T> && v.stride == std::ptrdiff_t{sizeof(T)} &&
         reinterpret_cast<std::uintptr_t>(v.data) % alignof(T) == 0;
}

template <class T>
class Vectors {
 public:
  // `picked`: they are read by `gather` alone.
  Vectors(const VectorView& y, const VectorView& s, const VectorView& y_pred, bool picked)
      : y_(y, picked), s_(s, picked), y_pred_(y_pred, picked), copies_(y_.copied + s_.copied + y_pred_.copied) {}

  bool ready() const { return copies_ == 0; }
  std::int64_t row_bytes() const { return y_.row_bytes() + s_.row_bytes() + y_pred_.row_bytes(); }
  std::size_t room_bytes(std::int64_t rows) const {
    return static_cast<std::size_t>(copies_) * Scratch::bytes<T>(rows);
  }

  // Elements [first, first + count), or those that are picked; copies go to the start of the room.
  void read(std::int64_t first, std::int64_t count, const Room& room, Piece<T>& piece) const;
  void gather(const Picked& picked, const Room& room, Piece<T>& piece) const;

  // Adds the memory that they lie in.
  void ahead(std::int64_t first, std::int64_t count, Ahead& ahead) const;

 private:
  struct One {
    VectorView view;
    int copied;  // 1 if it doesn't lie ready

    One(const VectorView& v, bool picked) : view(v), copied(v.data != nullptr && (picked || !lies_ready<T>(v))) {}

    std::int64_t row_bytes() const { return view.data != nullptr ? size_of(view.dtype) : 0; }
  };
  One y_, s_, y_pred_;
  int copies_;
};

extern template class Vectors<float>;
extern template class Vectors<double>;

// A source whose rows are read in their order, and so are y, s and y_pred.
template <class T>
class OrderedSource : public Source<T> {
 public:
  // Instantiated by the sources, which the check doesn't see. NOLINTBEGIN(portability-template-virtual-member-function)
  std::size_t vector_bytes(std::int64_t rows) const final { return vectors_.room_bytes(rows); }
  Piece<T> vectors(std::int64_t first, std::int64_t count, const Room& room) const final {
    Piece<T> piece;
    vectors_.read(first, count, room, piece);
    return piece;
  }
  // NOLINTEND(portability-template-virtual-member-function)

 protected:
  OrderedSource(const VectorView& y, const VectorView& s, const VectorView& y_pred) : vectors_(y, s, y_pred, false) {}

  Vectors<T> vectors_;
};

}  // namespace gdfast
