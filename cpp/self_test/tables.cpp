#include "tables.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <limits>
#include <vector>

#include "engine/least_squares.hpp"
#include "engine/moments.hpp"
#include "engine/sources/samples.hpp"
#include "engine/thread_pool.hpp"

namespace gdfast {
namespace {

using Index = std::int64_t;

class Random {
 public:
  std::uint64_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ >> 20;
  }
  Index below(Index n) { return static_cast<Index>(bits() % static_cast<std::uint64_t>(n)); }

 private:
  std::uint64_t state_ = 7;
};

// What is in a table's columns: the columns of the kernels' type alone, others in between, or parts of a few rows, some of
// which have no number here and there.
enum class Kind { plain, mixed, parts };

// A column in memory of its own, and the same numbers as T.
template <class T>
class Made {
 public:
  Made(Index n, Kind kind, Index j, Random& random, T* numbers) {
    constexpr DType kOthers[] = {DType::f16, DType::bf16, DType::i8,  DType::u16, DType::i32,
                                 DType::u32, DType::i64,  DType::u64, DType::u8,  DType::boolean};
    const bool own = kind == Kind::plain || j % 3 == 0;
    column.dtype = own ? kDType<T> : kOthers[j % std::ssize(kOthers)];
    column.packed = !own && j % 4 == 1;
    if (column.packed) column.dtype = DType::boolean;
    for (Index i = 0; i < n;) {
      const Index rows = kind == Kind::parts ? std::min(1 + random.below(j % 2 == 0 ? 3000 : 40), n - i) : n;
      append(i, rows, kind == Kind::parts && j % 5 == 2, random, numbers);
      i += rows;
    }
  }
  Made(const Made&) = delete;

  Column column;

 private:
  std::deque<std::vector<unsigned char>> memory_;

  // A part begins somewhere in its memory; every fourth one leaves room between its numbers.
  void append(Index first, Index rows, bool holes, Random& random, T* numbers) {
    const Index skipped = random.below(9), size = size_of(column.dtype);
    const Index stride = !column.packed && random.below(4) == 0 && column.parts.size() > 1 ? 2 * size : size;
    auto& bytes = memory_.emplace_back(static_cast<std::size_t>((skipped + rows) * stride + 8));
    auto& valid = memory_.emplace_back(static_cast<std::size_t>((skipped + rows) / 8 + 1), 0xff);
    ColumnPart part;
    part.start = first;
    part.end = first + rows;
    part.data = reinterpret_cast<const char*>(bytes.data());
    part.stride = column.packed ? 0 : stride;
    part.bit = column.packed ? skipped : 0;
    if (!column.packed) part.data += skipped * stride;
    if (holes) part.validity = {valid.data(), skipped, nullptr};
    for (Index i = 0; i < rows; ++i) {
      const Index at = skipped + i;
      const bool there = !holes || random.below(7) != 0;
      if (!there) valid[static_cast<std::size_t>(at / 8)] &= static_cast<unsigned char>(~(1u << (at % 8)));
      const T number = put(bytes.data(), at, at * stride, random);
      numbers[first + i] = there ? number : T(0);
    }
    column.parts.push_back(part);
  }

  template <class S>
  T put_as(unsigned char* to, Index integer) {
    const S stored = static_cast<S>(integer);
    std::memcpy(to, &stored, sizeof(S));
    return static_cast<T>(stored);
  }

  // Number `at` of a part, which lies `byte` bytes into it.
  T put(unsigned char* bytes, Index at, Index byte, Random& random) {
    const Index integer = random.below(201) - 100;
    unsigned char* const to = bytes + byte;
    switch (column.dtype) {
      case DType::f32:
      case DType::f64: {
        const T number = static_cast<T>(integer) / T(7);
        std::memcpy(to, &number, sizeof(T));
        return number;
      }
      case DType::f16: {  // a sign, and 1 + fraction
        const std::uint16_t bits = static_cast<std::uint16_t>((integer < 0 ? 0x8000 : 0) | 0x3c00 | std::abs(integer));
        std::memcpy(to, &bits, sizeof(bits));
        return static_cast<T>((integer < 0 ? -1 : 1) * (1 + std::abs(static_cast<double>(integer)) / 1024));
      }
      case DType::bf16: {
        const std::uint16_t bits = static_cast<std::uint16_t>((integer < 0 ? 0x8000 : 0) | 0x3f80 | std::abs(integer));
        std::memcpy(to, &bits, sizeof(bits));
        return static_cast<T>((integer < 0 ? -1 : 1) * (1 + std::abs(static_cast<double>(integer)) / 128));
      }
      case DType::i8:
        return put_as<std::int8_t>(to, integer);
      case DType::i32:
        return put_as<std::int32_t>(to, integer);
      case DType::i64:
        return put_as<std::int64_t>(to, integer);
      case DType::u8:
        return put_as<std::uint8_t>(to, std::abs(integer));
      case DType::u16:
        return put_as<std::uint16_t>(to, std::abs(integer));
      case DType::u32:
        return put_as<std::uint32_t>(to, std::abs(integer));
      case DType::u64:
        return put_as<std::uint64_t>(to, std::abs(integer));
      default: {
        const bool set = integer > 0;
        if (column.packed && set) bytes[at / 8] = static_cast<unsigned char>(bytes[at / 8] | 1u << (at % 8));
        if (!column.packed) *to = set ? 1 : 0;
        return static_cast<T>(set);
      }
    }
  }
};

// Everything that is computed of samples, in one vector.
template <class T>
std::vector<double> results(const Samples& samples, const std::vector<T>& w) {
  const SamplesSource<T> source(samples);
  const Index n = samples.x.n, d = samples.x.d;
  std::vector<T> predicted(static_cast<std::size_t>(n)), given(w.size());
  Loss loss{};
  std::vector<double> all(w.size());
  LeastSquares<T>(source.get(), Reduction::mean).evaluate(w.data(), T(0.25), all.data(), loss);
  forward(source.get(), w.data(), T(0.25), predicted.data());
  Samples of_prediction = samples;
  of_prediction.s = {};
  of_prediction.y_pred = samples.s;
  gradient(SamplesSource<T>(of_prediction).get(), Reduction::sum, given.data());
  std::vector<double> gram(static_cast<std::size_t>((d + 2) * (d + 2))), origin(static_cast<std::size_t>(d + 1));
  Counters counters;
  moments(source.get(), gram.data(), origin.data(), counters);
  all.insert(all.end(), {loss.loss, loss.grad_b, loss.weight});
  all.insert(all.end(), predicted.begin(), predicted.end());
  all.insert(all.end(), given.begin(), given.end());
  all.insert(all.end(), gram.begin(), gram.end());
  all.insert(all.end(), origin.begin(), origin.end());
  return all;
}

template <class T>
bool same_bits(Index n, Index d, Kind kind, Random& random) {
  const Index apart = n + 1;  // else a single row would be one in C order, too
  std::vector<T> x(static_cast<std::size_t>(apart * d)), w(static_cast<std::size_t>(d));
  std::vector<T> y(static_cast<std::size_t>(n)), s(static_cast<std::size_t>(n));
  std::deque<Made<T>> made;
  std::vector<Column> columns;
  for (Index j = 0; j < d; ++j) {
    columns.push_back(made.emplace_back(n, kind, j, random, x.data() + j * apart).column);
    w[static_cast<std::size_t>(j)] = static_cast<T>(random.below(100)) / T(300);
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = static_cast<T>(random.below(1000)) / T(9);
    s[i] = static_cast<T>(random.below(3));
  }
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const MatrixView matrix{reinterpret_cast<const char*>(x.data()), n, d, kSize, apart * kSize, kDType<T>};
  const VectorView targets{reinterpret_cast<const char*>(y.data()), kSize, kDType<T>};
  const VectorView weights{reinterpret_cast<const char*>(s.data()), kSize, kDType<T>};
  set_num_threads(1);
  const auto wanted = results<T>({matrix, targets, weights, {}}, w);
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    const auto got = results<T>({{nullptr, n, d, 0, 0, kDType<T>}, targets, weights, {}, {&columns, 0}}, w);
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      if (std::memcmp(&got[k], &wanted[k], sizeof(double)) == 0) continue;
      std::fprintf(stderr, "table of %d-byte numbers, n=%d d=%d kind %d, threads %d: result %d is %a, not %a\n",
                   static_cast<int>(sizeof(T)), static_cast<int>(n), static_cast<int>(d), static_cast<int>(kind),
                   threads, static_cast<int>(k), got[k], wanted[k]);
      return false;
    }
  }
  return true;
}

}  // namespace

bool check_tables() {
  Random random;
  bool good = true;
  for (const Kind kind : {Kind::plain, Kind::mixed, Kind::parts}) {
    for (const Index n : {1, 15, 600, 5003}) {
      for (const Index d : {1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 24, 33, 70}) {
        good = same_bits<float>(n, d, kind, random) && good;
        good = same_bits<double>(n, d, kind, random) && good;
      }
    }
  }
  return good;
}

}  // namespace gdfast
