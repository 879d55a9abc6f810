#include "vectors.hpp"

namespace gdfast {

template <class T>
void Vectors<T>::read(std::int64_t first, std::int64_t count, const Room& room, Piece<T>& piece) const {
  std::byte* next = room.memory;
  const auto one = [&](const One& v) -> const T* {
    if (v.copied == 0) return v.view.data == nullptr ? nullptr : reinterpret_cast<const T*>(v.view.data) + first;
    T* const copy = reinterpret_cast<T*>(next);
    next += Scratch::bytes<T>(room.rows);
    pack_vector(v.view, first, count, copy);
    return copy;
  };
  piece.y = one(y_);
  piece.s = one(s_);
  piece.y_pred = one(y_pred_);
}

template <class T>
void Vectors<T>::gather(const Picked& picked, const Room& room, Piece<T>& piece) const {
  std::byte* next = room.memory;
  const auto one = [&](const One& v) -> const T* {
    if (v.view.data == nullptr) return nullptr;
    T* const copy = reinterpret_cast<T*>(next);
    next += Scratch::bytes<T>(room.rows);
    gather_vector(v.view, picked, copy);
    return copy;
  };
  piece.y = one(y_);
  piece.s = one(s_);
  piece.y_pred = one(y_pred_);
}

template <class T>
void Vectors<T>::ahead(std::int64_t first, std::int64_t count, Ahead& ahead) const {
  for (const One* one : {&s_, &y_}) {
    const VectorView& v = one->view;
    const std::ptrdiff_t size = size_of(v.dtype);
    if (v.data != nullptr && v.stride == size) {
      ahead.area[ahead.areas++] = {v.data + first * size, count * size, 0, 1};
    }
  }
}

template class Vectors<float>;
template class Vectors<double>;

}  // namespace gdfast
