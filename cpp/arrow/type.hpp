// Arrow's types, as far as they are numbers.
#pragma once

#include <string>

#include "c_data.hpp"

namespace gdfast::arrow {

// What the numbers of a column are in memory. Booleans are bits in Arrow, and bytes in what others lend to it (bool8).
enum class Storage : std::uint8_t { none, bits, bytes, i8, i16, i32, i64, u8, u16, u32, u64, f16, f32, f64 };

struct Type {
  Storage storage = Storage::none;
  bool nothing = false;  // the type of a column that has nulls only
  std::string name;      // as users know it: "float32", "timestamp", "dictionary"
};

// Bytes of a number; 0 of bits.
int size_of(Storage storage);

Type type_of(const ArrowSchema& schema);

}  // namespace gdfast::arrow
