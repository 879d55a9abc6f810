#include "source.hpp"

#include <algorithm>
#include <bit>

namespace gdfast {

std::int64_t packed_rows(std::int64_t d, std::ptrdiff_t element_size) {
  const std::int64_t fit = std::max<std::int64_t>((256 << 10) / (d * element_size), 1);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(fit))), 4, 256);
}

}  // namespace gdfast
