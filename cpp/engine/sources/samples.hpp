// The source that suits the user's data.
#pragma once

#include <variant>

#include "converted.hpp"
#include "matrix.hpp"
#include "table.hpp"

namespace gdfast {

// Not to be moved while somebody holds what `get` gave.
template <class T>
class SamplesSource {
 public:
  explicit SamplesSource(const Samples& samples) : source_(chosen(samples)) {}

  const Source<T>& get() const {
    return std::visit([](const auto& source) -> const Source<T>& { return source; }, source_);
  }

 private:
  using Any = std::variant<MatrixSource<T>, ConvertedSource<T>, TableSource<T>>;
  Any source_;

  static Any chosen(const Samples& samples) {
    if (samples.table.columns != nullptr) return TableSource<T>(samples);
    if (samples.x.dtype == kDType<T>) return MatrixSource<T>(samples);
    return ConvertedSource<T>(samples);
  }
};

}  // namespace gdfast
