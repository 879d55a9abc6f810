// What the machine offers: cache sizes, and the CPUs that this process may use.
#pragma once

#include <cstdint>

namespace gdfast {

struct Caches {
  std::int64_t l1, l2, l3;  // bytes; a usual size where the system doesn't tell
};

const Caches& caches();

// Whether what software fetches had better be near, within two pages, and into L1: so on Intel's CPUs, where the far lines
// that help AMD's are a loss. Measured: `cpp/kernels/README.md`.
bool fetches_near();

// Whether lines of very many columns in turn come as quickly as long pieces of a few do. Not on AMD's CPUs before AVX-512.
// Measured: `cpp/kernels/README.md`.
bool follows_many_columns();

inline constexpr int kMostThreads = 1024;

// GDFAST_NUM_THREADS (std::invalid_argument if it is no count), then OMP_NUM_THREADS, then the CPUs in this process's affinity mask and cgroup quota.
int default_num_threads();

}  // namespace gdfast
