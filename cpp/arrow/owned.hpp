// A struct of Arrow's that has been taken over: released once, whatever happens.
#pragma once

#include "c_data.hpp"

namespace gdfast::arrow {

template <class C>
class Owned {
 public:
  Owned() = default;
  // Moves the struct out: whoever had it sees that it is released.
  explicit Owned(C& given) : value_(given) { given.release = nullptr; }
  ~Owned() { release(); }
  Owned(Owned&& other) noexcept : value_(other.value_) { other.value_.release = nullptr; }
  Owned& operator=(Owned&& other) noexcept {
    if (this != &other) {
      release();
      value_ = other.value_;
      other.value_.release = nullptr;
    }
    return *this;
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  explicit operator bool() const { return value_.release != nullptr; }
  C* get() { return &value_; }
  const C* get() const { return &value_; }
  const C* operator->() const { return &value_; }

 private:
  C value_{};

  void release() {
    if (value_.release != nullptr) value_.release(&value_);
    value_.release = nullptr;
  }
};

using Schema = Owned<ArrowSchema>;
using Array = Owned<ArrowArray>;
using Stream = Owned<ArrowArrayStream>;

}  // namespace gdfast::arrow
