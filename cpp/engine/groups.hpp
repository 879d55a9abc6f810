// Rows that belong to groups: where each group's rows lie, in memory that doesn't grow with their number.
#pragma once

#include <cstdint>
#include <vector>

namespace gdfast {

// What is done with an id takes so little that the CPU's own fetching comes late.
inline constexpr std::int64_t kIdsAhead = 512;

class Groups {
 public:
  // ids[i], from 0 to count − 1, is the group of row i.
  Groups(const std::int64_t* ids, std::int64_t n, std::int64_t count);

  // Whether all ids are numbers of groups. Nothing else may be asked where they aren't.
  bool valid() const { return valid_; }
  const std::int64_t* ids() const { return ids_; }
  std::int64_t n() const { return n_; }
  std::int64_t count() const { return count_; }
  std::int64_t size(std::int64_t group) const { return before(chunks_, group); }

  // The rows are cut into chunks, which are the same whatever is asked.
  std::int64_t chunks() const { return chunks_; }
  std::int64_t chunk_start(std::int64_t chunk) const { return chunk == chunks_ ? n_ : chunk * chunk_rows_; }
  // How many rows of the group there are before the chunk.
  std::int64_t before(std::int64_t chunk, std::int64_t group) const {
    return before_[static_cast<std::size_t>(chunk * count_ + group)];
  }

  // Rows number [first, first + wanted) of the group.
  void rows(std::int64_t group, std::int64_t first, std::int64_t wanted, std::int64_t* out) const;

 private:
  const std::int64_t* ids_;
  std::int64_t n_, count_, chunk_rows_, chunks_;
  bool valid_ = true;
  std::vector<std::int64_t> before_;  // (chunks + 1) × count

  static bool add_up(const std::int64_t* ids, std::int64_t n, std::int64_t count, std::int64_t* totals);
};

}  // namespace gdfast
