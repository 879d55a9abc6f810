#include "forms.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <stdexcept>

#include "blocks.hpp"
#include "column_shapes.hpp"
#include "dispatch.hpp"
#include "machine.hpp"

namespace gdfast {
namespace {

// One form of the fused kernel.
template <class T>
struct Form {
  const char* name;
  bool (*possible)(const Layout&);  // right for such x
  bool (*quickest)(const Layout&);  // of those after it in its list
  RunKernel<T> (*kernel)(const Layout&);
  // Instead of a kernel, for several segments.
  AbreastKernel<T> (*abreast)() = nullptr;
  ConsecutiveKernel<T> (*consecutive)() = nullptr;

  bool is_single() const { return abreast == nullptr && consecutive == nullptr; }
};

bool always(const Layout& /*x*/) { return true; }

// All of x lies in L2, and L1 has room for the rows at work: eight on their way in, sixteen on their way into the gradient.
template <class T>
bool is_cached(const Layout& x) {
  return x.n * row_bytes<T>(x) <= caches().l2 && 24 * row_bytes<T>(x) <= caches().l1;
}

// --- contiguous rows ---

template <class T>
bool narrow_rows(const Layout& x) {
  return x.d < kNarrowRows<T>;
}

template <class T>
bool wide_rows(const Layout& x) {
  return x.d >= kNarrowRows<T>;
}

bool near_pays(const Layout& /*x*/) { return fetches_near(); }

template <class T, Fetch F>
RunKernel<T> narrow_rows_kernel(const Layout& x) {
  return kernels<T>().narrow[static_cast<int>(F)].rows[x.d];
}

template <class T>
bool holdable_rows(const Layout& x) {
  return wide_rows<T>(x) && x.d <= kernels<T>().most_held;
}

// Rows of several pages lie far apart by themselves.
template <class T>
bool are_far(const Layout& x) {
  return row_bytes<T>(x) >= 16 << 10;
}

// The segments lie in memory as they are, and are enough.
template <class T>
bool have_segments(const Layout& x) {
  return !x.made && x.ready(Order::rows) && cut(x.n, x.d, sizeof(T)).count >= kAbreast;
}

template <class T>
constexpr Form<T> kRowForms[] = {
    {"cached_narrow_rows", narrow_rows<T>, is_cached<T>, narrow_rows_kernel<T, Fetch::none>},
    {"near_narrow_rows", narrow_rows<T>, near_pays, narrow_rows_kernel<T, Fetch::near>},
    {"narrow_rows", narrow_rows<T>, always, narrow_rows_kernel<T, Fetch::far>},
    {"cached_rows", wide_rows<T>, is_cached<T>, [](const Layout&) { return kernels<T>().cached_rows.fused; }},
    {"far_rows", wide_rows<T>, are_far<T>, [](const Layout&) { return kernels<T>().far_rows; }},
    {"abreast_rows", wide_rows<T>, have_segments<T>, nullptr, [] { return kernels<T>().abreast_rows; }},
    {"held_rows", holdable_rows<T>, always, [](const Layout&) { return kernels<T>().held_rows; }},
    {"rows", wide_rows<T>, always, [](const Layout&) { return kernels<T>().rows.fused; }},
};

// --- contiguous columns ---

bool narrow_columns(const Layout& x) { return x.d < kNarrowColumns; }
bool wide_columns(const Layout& x) { return x.d >= kNarrowColumns; }
bool strips_of_columns(const Layout& x) { return wide_columns(x) && x.d <= kMostStripColumns; }

template <class T, Fetch F>
RunKernel<T> narrow_columns_kernel(const Layout& x) {
  return kernels<T>().narrow[static_cast<int>(F)].columns[x.d];
}

template <class T>
constexpr Form<T> kColumnForms[] = {
    {"cached_narrow_columns", narrow_columns, is_cached<T>, narrow_columns_kernel<T, Fetch::none>},
    {"near_narrow_columns", narrow_columns, near_pays, narrow_columns_kernel<T, Fetch::near>},
    {"narrow_columns", narrow_columns, always, narrow_columns_kernel<T, Fetch::far>},
    {"column_strips", strips_of_columns, strips_stay<T>, [](const Layout&) { return kernels<T>().column_strips; }},
    {"kept_strips", strips_of_columns, strips_pay<T>, [](const Layout&) { return kernels<T>().kept_strips; }},
    {"long_columns", wide_columns, blocks_are_short<T>, nullptr, nullptr, [] { return kernels<T>().long_columns; }},
    {"column_blocks", wide_columns, always, [](const Layout&) { return kernels<T>().columns.fused; }},
};

// --- listed columns ---

template <class T>
constexpr Form<T> kListedForms[] = {
    {"near_narrow_listed", narrow_columns, near_pays,
     [](const Layout& x) { return kernels<T>().listed.near_narrow[x.d]; }},
    {"narrow_listed", narrow_columns, always, [](const Layout& x) { return kernels<T>().listed.narrow[x.d]; }},
    {"listed_strips", strips_of_columns, strips_pay<T>, [](const Layout&) { return kernels<T>().listed.strips; }},
    {"listed_blocks", wide_columns, always, [](const Layout&) { return kernels<T>().listed.blocks.fused; }},
};

// ---

// What GDFAST_FORM names, or null.
const char* forced_form() {
  static const char* const name = [] {
    const char* wanted = std::getenv("GDFAST_FORM");
    return wanted == nullptr || *wanted == '\0' ? nullptr : wanted;
  }();
  return name;
}

template <class T>
std::span<const Form<T>> forms_of(Order order) {
  if (order == Order::rows) return kRowForms<T>;
  if (order == Order::columns) return kColumnForms<T>;
  return kListedForms<T>;
}

// The form that is forced, if it is possible for such x as it lies in memory; otherwise the first of the list that is
// possible and quickest.
template <class T>
const Form<T>& choose(const Layout& x, Order order) {
  const auto forms = forms_of<T>(order);
  if (const char* const wanted = forced_form(); wanted != nullptr && x.ready(order)) {
    for (const Form<T>& form : forms) {
      if (std::strcmp(form.name, wanted) == 0 && form.possible(x)) return form;
    }
  }
  return *std::ranges::find_if(forms, [&x](const Form<T>& form) { return form.possible(x) && form.quickest(x); });
}

// For segments that others are walked without.
template <class T>
const Form<T>& choose_single(const Layout& x, Order order) {
  return *std::ranges::find_if(forms_of<T>(order), [&x](const Form<T>& form) {
    return form.is_single() && form.possible(x) && form.quickest(x);
  });
}

Order order_for(const Layout& x, Operation operation) {
  if (x.listed) return Order::listed;
  const bool narrow = x.d < kNarrow;
  // Rows shorter than 16 bytes are read together with what follows, which must be rows too.
  const bool at_once = operation == Operation::fused && x.rows && x.rows_follow;
  const bool by_columns = x.columns ? narrow || !x.rows : narrow && !at_once;
  return by_columns ? Order::columns : Order::rows;
}

// The prediction or the gradient alone, which fewer forms have.
template <class T>
Walk<T> part(const Layout& x, Operation operation, Order order) {
  const KernelTable<T>& table = kernels<T>();
  const bool cached = is_cached<T>(x);
  const Parts<T>& rows = cached ? table.cached_rows : table.rows;
  const Parts<T>& parts = order == Order::listed ? table.listed.blocks : order == Order::columns ? table.columns : rows;
  return {"", order, operation == Operation::forward ? parts.forward : parts.gradient, most_block_rows()};
}

}  // namespace

template <class T>
Walk<T> choose_walk(const Layout& x, Operation operation) {
  const Order order = order_for(x, operation);
  if (operation != Operation::fused) return part<T>(x, operation, order);
  const Form<T>& form = choose<T>(x, order);
  const Form<T>& single = form.is_single() ? form : choose_single<T>(x, order);
  Walk<T> walk{form.name, order, single.kernel(x)};
  if (order != Order::rows) walk.block_rows = order == Order::columns ? column_block_rows<T>(x) : most_block_rows();
  if (form.abreast != nullptr) walk.abreast = form.abreast();
  if (form.consecutive != nullptr) walk.consecutive = form.consecutive();
  return walk;
}

template <class T>
std::int64_t unit_rows(Order order, std::int64_t d) {
  if (order == Order::rows) return d < kNarrowRows<T> ? kRunRows : kRowChunk;
  return d < kNarrowColumns ? kRunRows : kSumRows;
}

template <class T>
ModelsWalk<T> choose_models_walk(const Layout& x, Operation operation) {
  const KernelTable<T>& table = kernels<T>();
  // Columns that are listed are copied into a piece, which all models walk.
  const Order order = x.listed ? Order::columns : order_for(x, operation);
  const bool rows = order == Order::rows;
  const Parts<T>& cached = rows ? table.cached_rows : table.columns;
  ModelsWalk<T> walk{order, nullptr, nullptr, unit_rows<T>(order, x.d), rows ? 0 : kSumRows};
  if (operation != Operation::fused) {
    walk.kernel = part<T>(x, operation, order).kernel;
    walk.again = operation == Operation::forward ? cached.forward : cached.gradient;
    return walk;
  }
  walk.kernel = choose_single<T>(x, order).kernel(x);
  if (rows ? narrow_rows<T>(x) : narrow_columns(x)) {
    const NarrowTable<T>& narrow = table.narrow[static_cast<int>(Fetch::none)];
    walk.again = rows ? narrow.rows[x.d] : narrow.columns[x.d];
  } else {
    walk.again = cached.fused;
    if (rows) walk.together = table.model_rows;
  }
  return walk;
}

std::vector<std::string> form_names() {
  std::vector<std::string> names;
  for (const auto& form : kRowForms<float>) names.emplace_back(form.name);
  for (const auto& form : kColumnForms<float>) names.emplace_back(form.name);
  for (const auto& form : kListedForms<float>) names.emplace_back(form.name);
  return names;
}

void check_forced_form() {
  const char* const wanted = forced_form();
  if (wanted == nullptr) return;
  std::string all;
  for (const std::string& name : form_names()) {
    if (name == wanted) return;
    all += (all.empty() ? "" : ", ") + name;
  }
  throw std::invalid_argument("GDFAST_FORM=" + std::string(wanted) + " is no form; use one of: " + all +
                              " (or unset it for the best of them)");
}

template std::int64_t unit_rows<float>(Order, std::int64_t);
template std::int64_t unit_rows<double>(Order, std::int64_t);
template Walk<float> choose_walk<float>(const Layout&, Operation);
template Walk<double> choose_walk<double>(const Layout&, Operation);
template ModelsWalk<float> choose_models_walk<float>(const Layout&, Operation);
template ModelsWalk<double> choose_models_walk<double>(const Layout&, Operation);

}  // namespace gdfast
