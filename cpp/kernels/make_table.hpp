// Fills an ISA's table from its virtual register.
#pragma once

#include "abreast_rows.hpp"
#include "column_strips.hpp"
#include "convert.hpp"
#include "fused_columns.hpp"
#include "gram_rows.hpp"
#include "held_rows.hpp"
#include "model_rows.hpp"
#include "moments.hpp"
#include "narrow.hpp"
#include "narrow_moments.hpp"
#include "vectors.hpp"
#include "widen.hpp"

namespace gdfast {
namespace {

template <class V, Fetch F, int D = 1>
constexpr void fill_narrow(KernelTable<typename V::T>& table) {
  constexpr std::int64_t kRows = kNarrowRows<typename V::T>;
  NarrowTable<typename V::T>& narrow = table.narrow[static_cast<int>(F)];
  if constexpr (D < kRows) narrow.rows[D] = narrow_kernel<V, D, Lie::rows, F>();
  if constexpr (D < kNarrowColumns) narrow.columns[D] = narrow_kernel<V, D, Lie::columns, F>();
  if constexpr (D + 1 < kRows || D + 1 < kNarrowColumns) fill_narrow<V, F, D + 1>(table);
}

template <class V, int D = 1>
constexpr void fill_listed(ListedTable<typename V::T>& table) {
  table.near_narrow[D] = narrow_kernel<V, D, Lie::listed, Fetch::near>();
  table.narrow[D] = narrow_kernel<V, D, Lie::listed, Fetch::far>();
  if constexpr (D + 1 < kNarrowColumns) fill_listed<V, D + 1>(table);
}

template <class V, int D>
constexpr void fill_narrow_moments(MomentsTable<typename V::T>& table) {
  table.narrow[D] = narrow_moments<DoubleOf<V>, typename V::T, D>;
  if constexpr (turns_in_registers<DoubleOf<V>, D>()) {
    table.narrow_rows[D] = narrow_moments<DoubleOf<V>, typename V::T, D, true>;
  }
  if constexpr (D + 1 < kNarrowMoments) fill_narrow_moments<V, D + 1>(table);
}

template <class V>
constexpr KernelTable<typename V::T> make_table() {
  static_assert(V::lanes == kLanes<typename V::T>, "sums are cut into the same lanes on every ISA");
  KernelTable<typename V::T> table{};
  fill_narrow<V, Fetch::none>(table);
  fill_narrow<V, Fetch::far>(table);
  fill_narrow<V, Fetch::near>(table);
  table.rows = rows_form<V, 4, From::memory>();
  table.cached_rows = rows_form<V, V::rows_at_a_time, From::cache>();
  table.far_rows = fused_rows<V, 4, Mode::fused, From::far_memory>;
  table.held_rows = held_rows<V>;
  table.most_held = most_held<V>();
  table.abreast_rows = abreast<V>;
  table.model_rows = model_rows<V>;
  table.columns = columns_form<V, Streams>();
  table.long_columns = FusedColumns<V, Mode::fused, Streams>::consecutive;
  table.column_strips = ColumnStrips<V, false, false>::kernel;
  table.kept_strips = ColumnStrips<V, true, false>::kernel;
  table.listed.blocks = columns_form<V, ListedStreams>();
  table.listed.strips = ColumnStrips<V, true, true>::kernel;
  fill_listed<V>(table.listed);
  table.squares = squares<V>;
  table.any_negative = any_negative<typename V::T>;
  table.sum = sum<V>;
  fill_convert<V>(table.convert, StorageTypes());
  table.unpack = unpack<V>;
  table.moments = {widen_rows<V>, widen_columns<V>, widen_picked<V>, tail<V>, turn<V>, {}, {}};
  if constexpr (widens_beside_products<V>) table.moments.band_of_rows = band_of_rows<V>;
  fill_narrow_moments<V, 0>(table.moments);
  return table;
}

template <class V>
constexpr F64Kernels make_f64_kernels() {
  return {make_table<V>(), {band_sums<V>, scale<V>, pick<V>}, {add_gram_rows<V>, dot_gram_rows<V>}};
}

}  // namespace
}  // namespace gdfast
