// Which instruction set runs: the best one that this build has and that CPU and operating system support, or the one
// that GDFAST_ISA names.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernel_table.hpp"

namespace gdfast {

struct Isa {
  const char* name;
  const char* requires_;
  bool supported;
  const KernelTable<float>* f32;
  const F64Kernels* f64;
};

// Every instruction set compiled in, best first.
const std::vector<Isa>& compiled_isas();

std::vector<std::string> names(bool only_supported);

// Throws std::invalid_argument when GDFAST_ISA names none that is supported.
const Isa& active_isa();

template <class T>
const KernelTable<T>& kernels() {
  static const KernelTable<T>& table = [](const Isa& isa) -> const KernelTable<T>& {
    if constexpr (sizeof(T) == sizeof(float)) {
      return *isa.f32;
    } else {
      return isa.f64->table;
    }
  }(active_isa());
  return table;
}

inline const PanelTable& panel_kernels() {
  static const PanelTable& table = active_isa().f64->panel;
  return table;
}

inline const RowsTable& row_kernels() {
  static const RowsTable& table = active_isa().f64->rows;
  return table;
}

}  // namespace gdfast
