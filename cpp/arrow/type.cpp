#include "type.hpp"

#include <cstring>
#include <string_view>

namespace gdfast::arrow {
namespace {

struct Named {
  std::string_view format;  // the beginning of it, where more follows
  const char* name;
  Storage storage = Storage::none;
};

// The longer beginnings first.
constexpr Named kTypes[] = {
    {"n", "null"},
    {"b", "bool", Storage::bits},
    {"c", "int8", Storage::i8},
    {"C", "uint8", Storage::u8},
    {"s", "int16", Storage::i16},
    {"S", "uint16", Storage::u16},
    {"i", "int32", Storage::i32},
    {"I", "uint32", Storage::u32},
    {"l", "int64", Storage::i64},
    {"L", "uint64", Storage::u64},
    {"e", "float16", Storage::f16},
    {"f", "float32", Storage::f32},
    {"g", "float64", Storage::f64},
    {"z", "binary"},
    {"Z", "binary"},
    {"vz", "binary"},
    {"u", "string"},
    {"U", "string"},
    {"vu", "string"},
    {"w:", "binary"},
    {"d:", "decimal"},
    {"tdD", "date"},
    {"tdm", "date"},
    {"tD", "duration"},
    {"tt", "time"},
    {"ts", "timestamp"},
    {"ti", "interval"},
    {"+s", "struct"},
    {"+m", "map"},
    {"+u", "union"},
    {"+r", "run-end encoded"},
    {"+", "list"},
};

bool goes_on(std::string_view beginning) {
  return beginning.size() > 1 && beginning != "vz" && beginning != "vu" && beginning != "tdD" && beginning != "tdm";
}

std::int32_t whole_number(const char*& at) {
  std::int32_t value = 0;
  std::memcpy(&value, at, sizeof(value));
  at += sizeof(value);
  return value;
}

std::string_view text(const char*& at) {
  const std::int32_t size = whole_number(at);
  const std::string_view found(at, static_cast<std::size_t>(size));
  at += size;
  return found;
}

// What an extension type calls itself; empty for the types of Arrow itself.
std::string_view extension(const char* metadata) {
  if (metadata == nullptr) return {};
  for (std::int32_t pairs = whole_number(metadata); pairs > 0; --pairs) {
    const std::string_view key = text(metadata), value = text(metadata);
    if (key == "ARROW:extension:name") return value;
  }
  return {};
}

}  // namespace

int size_of(Storage storage) {
  constexpr int kSizes[] = {0, 0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8};
  return kSizes[static_cast<int>(storage)];
}

Type type_of(const ArrowSchema& schema) {
  const std::string_view format = schema.format == nullptr ? "" : schema.format;
  if (schema.dictionary != nullptr) return {.name = "dictionary"};
  const std::string_view other = extension(schema.metadata);
  if (other == "arrow.bool8" && format == "c") return {.storage = Storage::bytes, .name = "bool"};
  // Whatever an extension's numbers mean: it is more than what they are.
  if (!other.empty()) return {.name = std::string(other)};
  for (const Named& type : kTypes) {
    if (format == type.format || (goes_on(type.format) && format.starts_with(type.format)) ||
        (type.format == "+" && format.starts_with("+"))) {
      return {.storage = type.storage, .nothing = format == "n", .name = type.name};
    }
  }
  return {.name = "unknown type " + std::string(format)};
}

}  // namespace gdfast::arrow
