// Memory for matrices that are walked row by row, some rows at a time.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gdfast {

struct Freed {
  void operator()(double* p) const { std::free(p); }
};

// So many numbers, not set. On a cache line; and large ones in huge pages where the system has them, as NumPy's are: rows
// that are pages apart would need more entries of the TLB than there are, and a fault for each page takes as long as
// reading it.
using LargeArray = std::unique_ptr<double[], Freed>;

inline LargeArray large_array(std::size_t count) {
  constexpr std::size_t kLine = 64, kHugePage = std::size_t{2} << 20;
  const std::size_t bytes = count * sizeof(double);
  const std::size_t unit = bytes < kHugePage ? kLine : kHugePage;
  const std::size_t whole = (bytes + unit - 1) / unit * unit;
  void* const memory = std::aligned_alloc(unit, whole);
  if (memory == nullptr && bytes > 0) throw std::bad_alloc();
#ifdef __linux__
  if (unit == kHugePage) madvise(memory, whole, MADV_HUGEPAGE);  // a refusal leaves small pages
#endif
  return LargeArray(static_cast<double*>(memory));
}

}  // namespace gdfast
