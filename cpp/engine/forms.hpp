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
  Order order;                  // in which the kernels want the rows
  RunKernel<T> kernel;          // one segment
  std::int64_t block_rows = 0;  // of columns: rows a block
  // Several segments at once, if that is the form: apart, or one after the other.
  AbreastKernel<T> abreast = nullptr;
  ConsecutiveKernel<T> consecutive = nullptr;
};

template <class T>
Walk<T> choose_walk(const Layout& x, Operation operation);

// Rows in this order may be cut anywhere on a multiple of this without changing a bit, whichever form walks them.
template <class T>
std::int64_t unit_rows(Order order, std::int64_t d);

// How rows are walked for several models, a piece of them for one after the other.
template <class T>
struct ModelsWalk {
  Order order;
  RunKernel<T> kernel, again;  // one model: the first, and those after it, for whom the rows are in the cache
  std::int64_t unit_rows;      // a piece ends after a multiple of this
  std::int64_t block_rows = 0;
  ModelsKernel<T> together = nullptr;  // several models at once, if there is a form for that
};

template <class T>
ModelsWalk<T> choose_models_walk(const Layout& x, Operation operation);

// All of them, best first.
std::vector<std::string> form_names();

// Throws std::invalid_argument when GDFAST_FORM names none.
void check_forced_form();

}  // namespace gdfast
