#include "table.hpp"

#include <bit>
#include <cstring>
#include <system_error>

namespace gdfast::arrow {
namespace {

[[noreturn]] void malformed(const std::string& what) { throw Refused("its Arrow data is malformed: " + what); }

// Bits that are 0 among `count` from bit `first` on.
std::int64_t zeros(const std::uint8_t* bits, std::int64_t first, std::int64_t count) {
  const auto is_one = [bits](std::int64_t i) { return (bits[i / 8] >> (i % 8)) & 1; };
  std::int64_t ones = 0, i = first;
  const std::int64_t end = first + count;
  for (; i < end && i % 8 != 0; ++i) ones += is_one(i);
  for (; i + 64 <= end; i += 64) {
    std::uint64_t word = 0;
    std::memcpy(&word, bits + i / 8, sizeof(word));
    ones += std::popcount(word);
  }
  for (; i < end; ++i) ones += is_one(i);
  return count - ones;
}

// The rows [first, first + rows) of an array, counted from its own offset.
struct Part {
  const ArrowArray& array;
  std::int64_t first, rows;

  bool whole() const { return first == 0 && rows == array.length; }
};

// A null_count that is negative isn't known. That of an array says nothing of a part of it, unless it is 0.
std::int64_t nulls_of(const Part& part, const std::uint8_t* validity) {
  if (validity == nullptr || part.array.null_count == 0) return 0;
  if (part.whole() && part.array.null_count > 0) return part.array.null_count;
  return zeros(validity, part.array.offset + part.first, part.rows);
}

void check(const Part& part, const std::string& name) {
  const ArrowArray& array = part.array;
  if (array.length < 0 || array.offset < 0) malformed("column '" + name + "' has a negative length or offset");
  if (part.first + part.rows > array.length) malformed("column '" + name + "' is shorter than its batch");
}

void append_part(Column& column, const Part& part) {
  check(part, column.name);
  if (part.rows == 0) return;
  Chunk chunk;
  chunk.first = part.array.offset + part.first;
  chunk.rows = part.rows;
  if (column.type.nothing) {
    chunk.nulls = part.rows;
  } else if (column.type.storage != Storage::none) {
    if (part.array.n_buffers != 2 || part.array.buffers == nullptr || part.array.buffers[1] == nullptr) {
      malformed("column '" + column.name + "' has no buffer of numbers");
    }
    chunk.values = part.array.buffers[1];
    chunk.validity = static_cast<const std::uint8_t*>(part.array.buffers[0]);
    chunk.nulls = nulls_of(part, chunk.validity);
    if (chunk.nulls == 0) chunk.validity = nullptr;
  }
  column.nulls += chunk.nulls;
  column.chunks.push_back(chunk);
}

// An error of the stream, in its own words.
[[noreturn]] void failed(Stream& stream, int code) {
  const char* const words = stream->get_last_error == nullptr ? nullptr : stream->get_last_error(stream.get());
  throw Refused(words != nullptr && *words != '\0' ? words : std::generic_category().message(code));
}

}  // namespace

Table::Table(const ArrowSchema& schema) : has_columns_(schema.format != nullptr && std::string(schema.format) == "+s") {
  const auto add = [this](const ArrowSchema& one) {
    Column& column = columns_.emplace_back();
    column.name = one.name == nullptr ? "" : one.name;
    column.type = type_of(one);
  };
  if (!has_columns_) add(schema);
  for (std::int64_t j = 0; has_columns_ && j < schema.n_children; ++j) add(*schema.children[j]);
}

void Table::append(Array array) {
  if (has_columns_) {
    append_columns(*array.get());
  } else {
    append_part(columns_.front(), {*array.get(), 0, array->length});
  }
  rows_ += array->length;
  kept_.push_back(std::move(array));
}

void Table::append_columns(const ArrowArray& batch) {
  if (batch.n_children != static_cast<std::int64_t>(columns_.size())) malformed("a batch lacks columns of its schema");
  if (batch.length < 0 || batch.offset < 0) malformed("a batch has a negative length or offset");
  const bool masked = batch.null_count != 0 && batch.n_buffers > 0 && batch.buffers != nullptr &&
                      batch.buffers[0] != nullptr &&
                      zeros(static_cast<const std::uint8_t*>(batch.buffers[0]), batch.offset, batch.length) > 0;
  if (masked) throw Refused("whole rows of it are null, beside their columns: fill or drop them where it is made");
  for (std::size_t j = 0; j < columns_.size(); ++j) {
    append_part(columns_[j], {*batch.children[j], batch.offset, batch.length});
  }
}

Schema schema_of(Stream& stream) {
  Schema schema;
  const int code = stream->get_schema(stream.get(), schema.get());
  if (code != 0) failed(stream, code);
  if (!schema) malformed("its stream has no schema");
  return schema;
}

Array next_of(Stream& stream) {
  Array array;
  const int code = stream->get_next(stream.get(), array.get());
  if (code != 0) failed(stream, code);
  return array;
}

}  // namespace gdfast::arrow
