// Columns that came through Arrow's interfaces, where they lie in their producer's memory.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "owned.hpp"
#include "type.hpp"

namespace gdfast::arrow {

// What a producer handed out breaks the specification, or it says that it failed.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Consecutive rows of a column. Number i is element first + i of `values`, and bit first + i of `validity` says whether
// it is one; without bits all are.
struct Chunk {
  const void* values = nullptr;
  const std::uint8_t* validity = nullptr;
  std::int64_t first = 0;
  std::int64_t rows = 0;
  std::int64_t nulls = 0;
};

struct Column {
  std::string name;
  Type type;
  std::vector<Chunk> chunks;  // none without rows
  std::int64_t nulls = 0;
};

// A table, or one column without a name. It holds what its producer lent.
class Table {
 public:
  explicit Table(const ArrowSchema& schema);

  // Takes the rows over. Structs are record batches.
  void append(Array array);

  const std::vector<Column>& columns() const { return columns_; }
  std::int64_t rows() const { return rows_; }
  bool has_columns() const { return has_columns_; }  // and names of them; else it is a column itself

 private:
  bool has_columns_ = false;
  std::vector<Column> columns_;
  std::int64_t rows_ = 0;
  std::vector<Array> kept_;

  void append_columns(const ArrowArray& batch);
};

// Calls the stream for its schema, or for its next array, which is empty at the end.
Schema schema_of(Stream& stream);
Array next_of(Stream& stream);

}  // namespace gdfast::arrow
