// The moments of groups of rows, each about an origin of its own, in one read.
#pragma once

#include "groups.hpp"
#include "moments.hpp"
#include "sources/matrix.hpp"

namespace gdfast {

// Of group g, if it has rows, the same bits as `moments` of its rows alone into grams + g·(d + 2)² and origins + g·(d + 1); zeros if it
// has none. False if `stop` gave up.
template <class T>
bool moments_of_groups(const Samples& samples, const Groups& groups, double* grams, double* origins, Counters& counters,
                       const Stop* stop = nullptr);

}  // namespace gdfast
