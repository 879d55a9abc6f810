// Moments of several sets of samples, together.
#pragma once

#include <vector>

#include "engine/large_array.hpp"
#include "gram.hpp"

namespace gdfast {

// Its matrix has the upper triangle alone, which is all that a training set is asked for.
struct OwnGram {
  LargeArray matrix;
  std::vector<double> origin;
  std::int64_t d = 0;

  Gram view() const { return {matrix.get(), origin.data(), d}; }
};

struct TrainingSums {
  std::vector<OwnGram> without;  // each part's others: those before it and those after it, added and never subtracted
  OwnGram all;
};

// Of two parts or more.
TrainingSums training_sums(const std::vector<Gram>& parts);

}  // namespace gdfast
