// Moments of several sets of samples, together.
#pragma once

#include <vector>

#include "gram.hpp"

namespace gdfast {

struct OwnGram {
  std::vector<double> matrix, origin;
  std::int64_t d = 0;

  Gram view() const { return {matrix.data(), origin.data(), d}; }
};

// Of both, about a point near all of the data. Where the origins differ, that is a column's mean, rounded to a few binary
// digits of its standard deviation: so that sums of integers, which are exact, stay so.
OwnGram added(const Gram& a, const Gram& b);

struct TrainingSums {
  std::vector<OwnGram> without;  // each part's others: those before it and those after it, added and never subtracted
  OwnGram all;
};

// Of two parts or more.
TrainingSums training_sums(const std::vector<Gram>& parts);

}  // namespace gdfast
