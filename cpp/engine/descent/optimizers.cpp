// The optimizers by name.
#include "optimizer.hpp"
#include "optimizers/adam.hpp"
#include "optimizers/fista.hpp"
#include "optimizers/gd.hpp"
#include "optimizers/momentum.hpp"

namespace gdfast {
namespace {

template <class T>
struct Entry {
  std::string_view name;
  std::unique_ptr<Optimizer<T>> (*make)(const OptimizerOptions&, std::int64_t size, const T* parameters);
};

template <class T, class Made>
std::unique_ptr<Optimizer<T>> make(const OptimizerOptions& options, std::int64_t size, const T* parameters) {
  return std::make_unique<Made>(options, size, parameters);
}

template <class T>
constexpr Entry<T> kOptimizers[] = {
    {"gd", make<T, GradientDescent<T>>},
    {"momentum", make<T, Momentum<T, false>>},
    {"nesterov", make<T, Momentum<T, true>>},
    {"adam", make<T, Adam<T>>},
    {"fista", make<T, Fista<T>>},
};

}  // namespace

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(std::string_view name, const OptimizerOptions& options, std::int64_t size,
                                             const T* parameters) {
  for (const Entry<T>& entry : kOptimizers<T>) {
    if (entry.name == name) return entry.make(options, size, parameters);
  }
  return nullptr;
}

template std::unique_ptr<Optimizer<float>> make_optimizer(std::string_view, const OptimizerOptions&, std::int64_t,
                                                          const float*);
template std::unique_ptr<Optimizer<double>> make_optimizer(std::string_view, const OptimizerOptions&, std::int64_t,
                                                           const double*);

}  // namespace gdfast
