// Prints one digest of the bits of many results, so that instruction sets which no single machine has can be compared.
// Before that it checks that here, too, no thread count and no alignment changes a bit, and that the results are right.
#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <string>
#include <vector>

#include "engine/blocks.hpp"
#include "engine/dispatch.hpp"
#include "engine/least_squares.hpp"
#include "engine/moments.hpp"
#include "engine/thread_pool.hpp"
#include "tables.hpp"

namespace gdfast {
namespace {

using Index = std::int64_t;

struct Layout {
  const char* name;
  bool by_columns;      // a column's elements are neighbours in memory, else a row's
  Index step, gap;      // elements from one neighbour to the next, and left out after each row or column
  bool turn_i, turn_j;  // rows or columns backwards
  Index vector_step;    // of y, s and y_pred
};

constexpr Layout kLayouts[] = {
    {"C order", false, 1, 0, false, false, 1},        {"Fortran order", true, 1, 0, false, false, 1},
    {"row slices", false, 1, 5, false, false, 2},     {"strided both ways", false, 2, 3, false, false, 1},
    {"rows backwards", false, 1, 0, true, false, 1},  {"all backwards", false, 1, 0, true, true, 2},
    {"columns backwards", true, 1, 3, false, true, 2}};
constexpr int kLayoutCount = static_cast<int>(std::size(kLayouts));
constexpr int kOffsets[] = {1, 4, 7};  // of the first element from a cache line, when it isn't at its start
constexpr int kThreads[] = {2, 3, 7, 16};
// Elements of x. Emulators are slow: up to kSmall a shape is done in every way, up to kLarge in some. Moments are taken
// of at most this many products.
constexpr Index kSmall = 4000, kLarge = 100000, kProducts = 400000;

struct Shape {
  Index n, d;
  const Layout* layout;
  bool weighted, intercept;
  int scale;  // of x: numbers with large squares (1), subnormal ones (−1) or neither (0)
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  const auto add = [&all](Index n, Index d, int layout, int scale = 0) {
    all.push_back({n, d, &kLayouts[layout], all.size() % 2 == 1, all.size() / 2 % 2 == 1, scale});
  };
  for (const Index n : {1, 3, 15, 16, 17, 100, 1025, 5000}) {
    for (const Index d : {1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 31, 33, 64, 100, 257, 1001, 4100}) {
      if (n * d > kLarge) continue;
      for (int layout = 0; layout < kLayoutCount; ++layout) {
        if (n * d <= kSmall || layout < 2 || layout == 2 + (n + d) % (kLayoutCount - 2)) add(n, d, layout);
      }
    }
  }
  for (int k = 0; k < 8 * kLayoutCount; ++k) add(33, k % 4 * 6 + 1, k % kLayoutCount, k / 4 % 2 == 0 ? 1 : -1);
  // Rows of which few fit a cache, and what several threads share.
  add(17, 16411, 0);
  add(1025, 257, 1);
  add(530000, 1, 0);
  for (const int layout : {0, 1}) add(20, 130, layout);
  for (const int layout : {0, 1}) add(20000, 16, layout);
  for (const int layout : {0, 1}) add(3000, 100, layout);
  return all;
}

// Made of integers by exact steps, so that every machine sees the same numbers.
template <class T>
struct Problem {
  const Shape& shape;
  std::vector<T> x, y, s, y_pred, w;
  T b;

  explicit Problem(const Shape& of) : shape(of) {
    // From −1 to 1, in all of T's bits: sums of shorter numbers would be exact, and so equal in any order.
    auto next = [state = std::uint64_t{1}]() mutable {
      constexpr int kBits = std::numeric_limits<T>::digits;
      state = state * 6364136223846793005u + 1442695040888963407u;
      const Index integer = static_cast<Index>(state >> (63 - kBits)) - (Index{1} << kBits);
      return static_cast<T>(integer) / static_cast<T>(Index{1} << kBits);
    };
    b = of.intercept ? next() : T(0);
    for (auto* v : {&x, &y, &s, &y_pred, &w}) {
      v->resize(static_cast<std::size_t>(v == &x ? of.n * of.d : v == &w ? of.d : of.n));
      for (T& value : *v) value = next();
    }
    for (T& value : s) value = std::abs(value);
    constexpr int kLow = std::numeric_limits<T>::min_exponent - 8, kHigh = std::numeric_limits<T>::max_exponent / 3;
    for (T& value : x) value = std::ldexp(value, of.scale < 0 ? kLow : of.scale * kHigh);
  }
};

// Memory at a chosen distance from a cache line. What nobody writes stays NaN, and so shows if it is used.
template <class T>
struct Room {
  std::vector<T> memory;
  T* data;

  Room(Index size, int offset) : memory(static_cast<std::size_t>(size + offset) + 64 / sizeof(T), T(NAN)) {
    const auto past = reinterpret_cast<std::uintptr_t>(memory.data()) % 64;
    data = memory.data() + (64 - past) % 64 / sizeof(T) + offset;
  }
  Room(const std::vector<T>& values, Index step, int offset) : Room(std::ssize(values) * step, offset) {
    for (Index i = 0; i < std::ssize(values); ++i) data[i * step] = values.data()[i];
  }
  Room(const Room&) = delete;
  const char* bytes(Index i = 0) const { return reinterpret_cast<const char*>(data + i); }
};

// FNV-1a
constexpr std::uint64_t kNoDigest = 0xcbf29ce484222325u;

template <class T>
void digest(const T* values, std::size_t count, std::uint64_t& hash) {
  for (std::size_t i = 0; i < count; ++i) {
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, values + i, sizeof(T));
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  }
}

template <class T>
struct Results {
  Loss loss{};
  std::vector<T> grad, out;
  std::vector<double> gram, origin;  // empty if there are too many products
  std::uint64_t hash = kNoDigest;

  Results(const Problem<T>& problem, int offset) : grad(problem.w.size()), out(problem.y.size()) {
    const Shape& shape = problem.shape;
    const Layout& layout = *shape.layout;
    const Index n = shape.n, d = shape.d, far = (layout.by_columns ? n : d) * layout.step + layout.gap;
    const Index down = layout.by_columns ? layout.step : far, along = layout.by_columns ? far : layout.step;
    const Index row = layout.turn_i ? -down : down, column = layout.turn_j ? -along : along;
    const Index first = (layout.turn_i ? (n - 1) * down : 0) + (layout.turn_j ? (d - 1) * along : 0);
    Room<T> room((layout.by_columns ? d : n) * far, offset);
    for (Index k = 0; k < n * d; ++k) room.data[first + k / d * row + k % d * column] = problem.x.data()[k];
    constexpr auto kSize = static_cast<std::ptrdiff_t>(sizeof(T));
    const MatrixView x{room.bytes(first), n, d, row * kSize, column * kSize, kDType<T>};
    const Index step = layout.vector_step;
    const Room<T> y_room(problem.y, step, offset), s_room(problem.s, step, offset), given(problem.y_pred, step, offset);
    const VectorView y{y_room.bytes(), step * kSize, kDType<T>}, y_pred{given.bytes(), step * kSize, kDType<T>};
    const VectorView s{shape.weighted ? s_room.bytes() : nullptr, step * kSize, kDType<T>};
    const Room<T> predicted(n, offset);
    std::vector<T> given_grad(grad.size());
    const MatrixSource<T> source({x, y, s, {}});
    LeastSquares<T>(source, Reduction::mean).evaluate(problem.w.data(), problem.b, grad.data(), loss);
    forward(source, problem.w.data(), problem.b, predicted.data);
    gradient(MatrixSource<T>({x, y, {}, y_pred}), Reduction::sum, given_grad.data());
    const double scalars[] = {loss.loss, loss.grad_b, squared_error<T>(y, y_pred, n, Reduction::sum)};
    std::copy_n(predicted.data, n, out.begin());
    if (n * d * d <= kProducts) {
      gram.resize(static_cast<std::size_t>((d + 2) * (d + 2)), NAN);
      Counters counters;
      origin.resize(static_cast<std::size_t>(d + 1), NAN);
      moments(source, gram.data(), origin.data(), counters);
    }
    digest(scalars, std::size(scalars), hash);
    for (const auto* v : {&grad, &given_grad, &out}) digest(v->data(), v->size(), hash);
    for (const auto* v : {&gram, &origin}) digest(v->data(), v->size(), hash);
  }
};

// The largest error of an element of the moments, likewise.
template <class T>
double moments_error(const Problem<T>& problem, const Results<T>& results) {
  const std::vector<double>& gram = results.gram;
  const auto d = problem.w.size(), size = d + 2;
  double worst = 0;
  std::vector<double> plain(gram.size()), plain_size(gram.size()), z(size, 1);
  for (std::size_t i = 0; i < problem.y.size() && !gram.empty(); ++i) {
    for (std::size_t j = 0; j < d; ++j) z[j] = static_cast<double>(problem.x[i * d + j]) - results.origin[j];
    z[d + 1] = static_cast<double>(problem.y[i]) - results.origin[d];
    const double s = problem.shape.weighted ? problem.s[i] : T(1);
    for (std::size_t e = 0; e < gram.size(); ++e) {
      const double term = s * z[e / size] * z[e % size];
      plain[e] += term;
      plain_size[e] += std::abs(term);
    }
  }
  for (std::size_t e = 0; e < gram.size(); ++e) {
    if (gram[e] == plain[e]) continue;  // about a value of its own a column may leave nothing at all
    const double far = std::abs(gram[e] - plain[e]) / plain_size[e];
    worst = std::isnan(far) ? HUGE_VAL : std::max(worst, far);
  }
  return worst;
}

// The largest error of a prediction, the loss or an element of the gradient, against plain sums in float64, as a part
// of the sum of the terms' magnitudes.
template <class T>
double error(const Problem<T>& problem, const Results<T>& results) {
  const auto d = problem.w.size();
  double worst = 0, loss = 0, loss_size = 0, weight = 0;
  std::vector<double> grad(d), grad_size(d);
  const auto compare = [&worst](double result, double plain, double size) {
    const double far = std::abs(result - plain) / size;
    worst = std::isnan(far) ? HUGE_VAL : std::max(worst, far);
  };
  for (std::size_t i = 0; i < problem.y.size(); ++i) {
    const T* const x = problem.x.data() + i * d;
    const double y = problem.y[i], s = problem.shape.weighted ? problem.s[i] : T(1);
    double r = problem.b, r_size = std::abs(r) + std::abs(y);
    for (std::size_t j = 0; j < d; ++j) {
      const double term = static_cast<double>(x[j]) * problem.w[j];
      r += term;
      r_size += std::abs(term);
    }
    compare(results.out[i], r, r_size);
    loss += s * (r - y) * (r - y);
    loss_size += s * r_size * r_size;
    weight += s;
    for (std::size_t j = 0; j < d; ++j) {
      grad[j] += s * (r - y) * x[j];
      grad_size[j] += s * r_size * std::abs(x[j]);
    }
  }
  compare(results.loss.loss * weight, loss, loss_size);
  for (std::size_t j = 0; j < d; ++j) compare(results.grad[j] * weight, 2 * grad[j], grad_size[j]);
  return worst;
}

// Adds each problem's digest to the whole; false if a result is wrong, or, unless it is found once, depends on threads or
// alignment.
template <class T>
bool run(const char* dtype, const std::string& option, std::uint64_t& whole) {
  const bool each = option == "--each", once = option == "--once";
  bool good = true;
  double worst = 0;
  for (const Shape& shape : shapes()) {
    const Problem<T> problem(shape);
    set_num_threads(1);
    const Results<T> results(problem, 0);
    digest(&results.hash, 1, whole);
    const double far = shape.scale < 0 ? 0 : error(problem, results);  // subnormal numbers are rounded coarsely
    worst = std::max(worst, far);
    const auto print = [&](std::FILE* to, const char* what, int number) {
      std::fprintf(to, "%016" PRIx64 " %s n=%" PRIi64 " d=%" PRIi64 ", %s, weights %d, intercept %d, scale %d: %s %d\n",
                   results.hash, dtype, shape.n, shape.d, shape.layout->name, shape.weighted, shape.intercept,
                   shape.scale, what, number);
      good = good && to == stdout;
    };
    if (each) print(stdout, "threads", 1);
    if (far > (sizeof(T) == sizeof(float) ? 1e-5 : 1e-13)) print(stderr, "far from plain sums in float64, threads", 1);
    if (shape.scale >= 0 && moments_error(problem, results) > 1e-12) print(stderr, "moments far off, threads", 1);
    if (once) continue;
    for (int k = 0; k < std::ssize(kOffsets); ++k) {
      if (shape.n * shape.d > kSmall && (shape.n + shape.d) % std::ssize(kOffsets) != k) continue;
      if (Results<T>(problem, kOffsets[k]).hash != results.hash) print(stderr, "other bits, offset", kOffsets[k]);
    }
    for (const int threads : kThreads) {
      set_num_threads(threads);
      if (threads_for(shape.n, shape.d, sizeof(T)) == 1) continue;  // too small to be shared
      if (Results<T>(problem, 0).hash != results.hash) print(stderr, "other bits, threads", threads);
    }
  }
  std::printf("%s: relative error at most %.1e\n", dtype, worst);
  return good;
}

}  // namespace
}  // namespace gdfast

// --list: the instruction sets that run here. --each: also a digest for each problem; comparing two such outputs shows
// where they part. --once: every problem once, for machines that take long.
int main(int argc, char** argv) try {
  using namespace gdfast;
  const std::string option = argc > 1 ? argv[1] : "";
  for (const auto& name : names(true)) {
    if (option == "--list") std::puts(name.c_str());
  }
  if (option == "--list") return 0;
  std::uint64_t whole = kNoDigest;
  bool good = run<float>("f32", option, whole);
  good = run<double>("f64", option, whole) && good;
  good = check_tables() && good;
  std::printf("%s %016" PRIx64 "\n", active_isa().name, whole);
  return good ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
