// Prints one digest of the bits of many results, so that instruction sets which no single machine has can be compared.
// Before that it checks that here, too, no thread count and no alignment changes a bit, and that the results are right.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/blocks.hpp"
#include "engine/dispatch.hpp"
#include "engine/least_squares.hpp"
#include "engine/thread_pool.hpp"

namespace gdfast {
namespace {

using Index = std::int64_t;

// FNV-1a
struct Digest {
  std::uint64_t bits = 0xcbf29ce484222325u;

  template <class T>
  void add(const T& value) {
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    for (const unsigned char byte : bytes) bits = (bits ^ byte) * 0x100000001b3u;
  }
};

// From −1 to 1, by steps that are exact, so that every machine sees the same problem. All of T's mantissa is used: sums
// of shorter numbers would be exact, and so equal in any order.
class Numbers {
 public:
  template <class T>
  T next() {
    constexpr int kBits = std::numeric_limits<T>::digits;
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    const auto integer = static_cast<Index>(state_ >> (63 - kBits)) - (Index{1} << kBits);
    return static_cast<T>(integer) / static_cast<T>(Index{1} << kBits);
  }

 private:
  std::uint64_t state_ = 1;
};

struct Layout {
  const char* name;
  bool by_columns;         // a column's elements are the neighbours in memory, else a row's
  Index step;              // from one neighbour to the next, in elements
  Index gap;               // elements after each row or column
  bool turn_i, turn_j;     // rows or columns backwards
  bool vectors_converted;  // y, s and y_pred of the other dtype, with a stride
};

constexpr Layout kLayouts[] = {
    {"C order", false, 1, 0, false, false, false},        {"Fortran order", true, 1, 0, false, false, false},
    {"row slices", false, 1, 5, false, false, true},      {"strided both ways", false, 2, 3, false, false, false},
    {"rows backwards", false, 1, 0, true, false, false},  {"all backwards", false, 1, 0, true, true, true},
    {"columns backwards", true, 1, 3, false, true, true},
};
constexpr int kCount = static_cast<int>(std::size(kLayouts));

constexpr int kOffsets[] = {0, 1, 4, 7};  // of the first element from a cache line
constexpr int kThreads[] = {1, 2, 3, 7, 16};

// Elements of x: emulators are slow, and only small problems are done in every way.
constexpr Index kMost = 300000, kSmall = 4000;

enum class Size { ordinary, subnormal, huge };  // of x

struct Shape {
  Index n, d;
  const Layout* layout;
  bool weighted, intercept;
  Reduction reduction;
  Size size = Size::ordinary;

  std::string text(const char* dtype) const {
    return std::string(dtype) + " n=" + std::to_string(n) + " d=" + std::to_string(d) + ", " + layout->name +
           (weighted ? ", weighted" : "") + (intercept ? ", intercept" : "") +
           (reduction == Reduction::mean ? ", mean" : ", sum") +
           (size == Size::subnormal ? ", subnormal"
            : size == Size::huge    ? ", huge"
                                    : "");
  }
};

// Memory at a chosen distance from a cache line. What nobody writes stays NaN, and so shows if it is used.
template <class T>
class Room {
 public:
  Room(Index size, int offset) : memory_(static_cast<std::size_t>(size + offset) + 64 / sizeof(T), kNaN) {
    const auto past = reinterpret_cast<std::uintptr_t>(memory_.data()) % 64;
    data_ = memory_.data() + (64 - past) % 64 / sizeof(T) + offset;
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  T& operator[](Index i) { return data_[i]; }
  const char* bytes(Index i) const { return reinterpret_cast<const char*>(data_ + i); }

 private:
  static constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> memory_;
  T* data_;
};

template <class T>
struct Problem {
  Shape shape;
  std::vector<T> x, y, s, y_pred, w;
  T b;

  explicit Problem(const Shape& given) : shape(given) {
    Numbers numbers;
    const auto fill = [&](std::vector<T>& v, Index size) {
      v.resize(static_cast<std::size_t>(size));
      for (T& value : v) value = numbers.next<T>();
    };
    for (auto* v : {&y, &s, &y_pred}) {
      fill(*v, shape.n);
      for (T& value : *v) value = static_cast<T>(static_cast<float>(value));  // the same in both dtypes
    }
    for (T& value : s) value = value < T(0) ? T(0) : value;
    s.front() = T(1);  // so that they have a mean
    fill(w, shape.d);
    b = shape.intercept ? numbers.next<T>() : T(0);
    fill(x, shape.n * shape.d);
    using Limits = std::numeric_limits<T>;
    const int exponent = shape.size == Size::subnormal ? Limits::min_exponent - 13 : Limits::max_exponent / 3;
    if (shape.size != Size::ordinary) {
      for (T& value : x) value = std::ldexp(value, exponent);
    }
  }
};

template <class T>
struct Results {
  Loss loss{};
  double squares = 0;
  std::vector<T> grad, given_grad, out;  // given: of the given y_pred

  std::uint64_t digest() const {
    Digest digest;
    for (const double value : {loss.loss, loss.grad_b, squares}) digest.add(value);
    for (const auto* v : {&grad, &given_grad, &out}) {
      for (const T value : *v) digest.add(value);
    }
    return digest.bits;
  }
};

// A vector in memory, as its layout has it.
template <class T>
struct Placed {
  using Other = std::conditional_t<std::is_same_v<T, float>, double, float>;
  Room<T> plain;
  Room<Other> converted;
  VectorView view;

  Placed(const std::vector<T>& values, const Shape& shape, int offset)
      : plain(shape.n, offset), converted(2 * shape.n, offset) {
    for (Index i = 0; i < shape.n; ++i) {
      plain[i] = values.data()[i];
      converted[2 * i] = static_cast<Other>(values.data()[i]);
    }
    view = shape.layout->vectors_converted ? VectorView{converted.bytes(0), 2 * sizeof(Other), kDType<Other>}
                                           : VectorView{plain.bytes(0), sizeof(T), kDType<T>};
  }
};

template <class T>
Results<T> results(const Problem<T>& problem, int offset) {
  constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
  const Shape& shape = problem.shape;
  const Layout& layout = *shape.layout;
  const Index n = shape.n, d = shape.d;
  const Index far = (layout.by_columns ? n : d) * layout.step + layout.gap;
  const Index down = layout.by_columns ? layout.step : far, along = layout.by_columns ? far : layout.step;
  Room<T> x((layout.by_columns ? d : n) * far, offset);
  const auto at = [&](Index i, Index j) {
    return (layout.turn_i ? n - 1 - i : i) * down + (layout.turn_j ? d - 1 - j : j) * along;
  };
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < d; ++j) x[at(i, j)] = problem.x[static_cast<std::size_t>(i * d + j)];
  }
  const MatrixView view{
      x.bytes(at(0, 0)), n, d, (layout.turn_i ? -down : down) * kSize, (layout.turn_j ? -along : along) * kSize,
      kDType<T>};

  const Placed<T> y(problem.y, shape, offset), y_pred(problem.y_pred, shape, offset), s(problem.s, shape, offset);
  const VectorView weights = shape.weighted ? s.view : VectorView{};
  Room<T> out(n, offset);

  Results<T> r;
  r.grad.resize(problem.w.size());
  r.given_grad.resize(problem.w.size());
  LeastSquares<T>(view, y.view, weights, shape.reduction).evaluate(problem.w.data(), problem.b, r.grad.data(), r.loss);
  gradient(view, y.view, y_pred.view, shape.reduction, r.given_grad.data());
  r.squares = squared_error<T>(y.view, y_pred.view, n, shape.reduction);
  forward(view, problem.w.data(), problem.b, &out[0]);
  r.out.assign(&out[0], &out[0] + n);
  return r;
}

// Sums in float64, in the order of the rows, with the sum of the terms' magnitudes, against which errors are measured.
struct Plain {
  double value = 0, magnitude = 0;

  void add(double term, double size) {
    value += term;
    magnitude += size;
  }
  // Far more than the rounding errors, and far less than any mistake. A subnormal number has an error of its own.
  template <class T>
  bool near(double result, double scale, double terms) const {
    const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-12;
    const double least = terms * static_cast<double>(std::numeric_limits<T>::denorm_min());
    return std::abs(result - scale * value) <= scale * (tolerance * magnitude + least);
  }
};

template <class T>
bool right(const Problem<T>& problem, const Results<T>& r) {
  const Index n = problem.shape.n, d = problem.shape.d;
  Plain loss, grad_b, weight, squares;
  std::vector<Plain> grad(problem.w.size()), given_grad(problem.w.size());
  bool all = true;
  for (Index i = 0; i < n; ++i) {
    const T* const x = problem.x.data() + i * d;
    const double y = problem.y.data()[i], given = problem.y_pred.data()[i] - y, b = problem.b;
    const double s = problem.shape.weighted ? static_cast<double>(problem.s.data()[i]) : 1.0;
    Plain prediction;
    prediction.add(b, std::abs(b));
    for (Index j = 0; j < d; ++j) {
      const double term = static_cast<double>(x[j]) * problem.w.data()[j];
      prediction.add(term, std::abs(term));
    }
    all = prediction.near<T>(r.out.data()[i], 1, static_cast<double>(d)) && all;
    const double residual = prediction.value - y, size = prediction.magnitude + std::abs(y);
    loss.add(s * residual * residual, s * size * size);
    grad_b.add(s * residual, s * size);
    weight.add(s, s);
    squares.add(given * given, given * given);
    for (Index j = 0; j < d; ++j) {
      const double value = x[j];
      grad.data()[j].add(s * residual * value, s * size * std::abs(value));
      given_grad.data()[j].add(given * value, (std::abs(given) + std::abs(y)) * std::abs(value));
    }
  }
  const bool mean = problem.shape.reduction == Reduction::mean;
  const double scale = mean ? 1 / weight.value : 1, given_scale = mean ? 1 / static_cast<double>(n) : 1;
  const auto terms = static_cast<double>(n * 4);
  all = loss.near<T>(r.loss.loss, scale, terms) && grad_b.near<T>(r.loss.grad_b, 2 * scale, terms) && all;
  all = squares.near<T>(r.squares, given_scale, terms) && all;
  for (Index j = 0; j < d; ++j) {
    all = grad.data()[j].near<T>(r.grad.data()[j], 2 * scale, terms) && all;
    all = given_grad.data()[j].near<T>(r.given_grad.data()[j], 2 * given_scale, terms) && all;
  }
  return all;
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  const auto add = [&](Index n, Index d, int layout, Size size = Size::ordinary) {
    const auto k = all.size();
    all.push_back({n, d, &kLayouts[layout % kCount], k % 2 == 1, k / 2 % 2 == 1,
                   k / 4 % 2 == 0 ? Reduction::mean : Reduction::sum, size});
  };
  int turn = 0;
  for (const Index n : {1, 3, 15, 16, 17, 100, 1025, 5000}) {
    for (const Index d : {1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 31, 33, 64, 100, 257, 1001, 4100}) {
      if (n * d > kMost) continue;
      const bool every = n * d <= kSmall;
      for (int layout = 0; layout < (every ? kCount : 2); ++layout) add(n, d, layout);
      if (!every) add(n, d, 2 + turn++ % (kCount - 2));
    }
  }
  // Rows so long that few fit a cache; x that doesn't fit one thread's share.
  for (const int layout : {0, 1, 3}) add(17, 16411, layout);
  for (const int layout : {0, 1, 2, 4}) {
    add(300000, 1, layout);
    add(20000, 16, layout);
    add(3000, 100, layout);
  }
  add(600000, 1, 0);
  for (const Index d : {1, 5, 16, 100}) {
    for (int layout = 0; layout < kCount; ++layout) {
      add(33, d, layout, Size::subnormal);
      add(33, d, layout, Size::huge);
    }
  }
  return all;
}

// Adds the digest of each problem to the whole; false if a result is wrong or depends on threads or alignment.
template <class T>
bool run(const char* dtype, bool each, Digest& whole) {
  bool good = true;
  const auto complain = [&](const Shape& shape, const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", shape.text(dtype).c_str(), what.c_str());
    good = false;
  };
  int turn = 0;
  for (const Shape& shape : shapes()) {
    const Problem<T> problem(shape);
    set_num_threads(1);
    const Results<T> first = results(problem, 0);
    const std::uint64_t digest = first.digest();
    if (!right(problem, first)) complain(shape, "far from the results in float64");
    if (each) std::printf("%016llx %s\n", static_cast<unsigned long long>(digest), shape.text(dtype).c_str());
    whole.add(digest);

    const auto same = [&](int threads, int offset) {
      set_num_threads(threads);
      if (results(problem, offset).digest() == digest) return;
      complain(shape, std::to_string(threads) + " threads, first element " + std::to_string(offset) +
                          " from a cache line: other bits than on one thread, at its start");
    };
    ++turn;
    for (int k = 1; k < std::ssize(kOffsets); ++k) {
      if (shape.n * shape.d <= kSmall || turn % 3 == k - 1) same(1, kOffsets[k]);
    }
    // A problem's size may leave it fewer threads than there are: once is enough for the same number.
    for (int used = 1; const int threads : kThreads) {
      set_num_threads(threads);
      const int now = threads_for(shape.n, shape.d, sizeof(T));
      if (now != used) same(threads, 0);
      used = now;
    }
  }
  return good;
}

int run_all(bool each) {
  Digest whole;
  const char* const isa = active_isa().name;
  const bool good_f32 = run<float>("f32", each, whole);
  const bool good_f64 = run<double>("f64", each, whole);
  if (!good_f32 || !good_f64) return 1;
  std::printf("%s %016llx\n", isa, static_cast<unsigned long long>(whole.bits));
  return 0;
}

}  // namespace
}  // namespace gdfast

int main(int argc, char** argv) try {
  const std::string option = argc > 1 ? argv[1] : "";
  if (option == "--list") {
    for (const auto& name : gdfast::names(true)) std::puts(name.c_str());
    return 0;
  }
  if (argc > 2 || (!option.empty() && option != "--each")) {
    std::fprintf(stderr,
                 "usage: %s [--each | --list]\n"
                 "  --each  also a digest of each problem: compare two outputs to find where they part\n"
                 "  --list  the instruction sets that run here\n",
                 argv[0]);
    return 2;
  }
  return gdfast::run_all(!option.empty());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
