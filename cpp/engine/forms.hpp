// The forms of the kernel, and which one runs: chosen here and nowhere else, by how x lies and by the caches. All forms
// that are possible for a problem give the same bits, so the choice shows in the time alone.
#pragma once

#include <string>
#include <vector>

#include "source.hpp"

namespace gdfast {

enum class Operation { fused, forward, gradient };

// How rows are walked.
template <class T>
struct Walk {
  const char* form;
  Order order;                         // in which the kernels want the rows
  RunKernel<T> kernel;                 // one segment
  std::int64_t block_rows = 0;         // of columns: rows a block
  AbreastKernel<T> abreast = nullptr;  // several segments at once, if that is the form
};

template <class T>
Walk<T> choose_walk(const Layout& x, Operation operation);

// Rows in this order may be cut anywhere on a multiple of this without changing a bit, whichever form walks them.
template <class T>
std::int64_t unit_rows(Order order, std::int64_t d);

// All of them, best first.
std::vector<std::string> form_names();

// Throws std::invalid_argument when GDFAST_FORM names none.
void check_forced_form();

}  // namespace gdfast
