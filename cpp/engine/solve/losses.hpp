// How models do on rows that are known by their moments.
#pragma once

#include <cstdint>

#include "gram.hpp"

namespace gdfast {

// Σ s·r² / Σ s of models x·w + b, w in rows of d.
void find_losses(const Gram& gram, const double* w, const double* b, std::int64_t models, double* losses);

}  // namespace gdfast
