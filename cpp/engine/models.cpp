#include "models.hpp"

#include "models_pass.hpp"
#include "sources/samples.hpp"

namespace gdfast {
namespace {

// What the kernels want of the models: d weights of each, then zeros, and an intercept.
template <class T>
struct Packed {
  std::vector<T> w, b;

  Packed(const Weights& weights, std::int64_t d, std::int64_t models)
      : w(static_cast<std::size_t>(models * padded(d)), T(0)), b(static_cast<std::size_t>(models), T(0)) {
    for (std::int64_t k = 0; k < models; ++k) pack_vector(column(weights.w, k), 0, d, w.data() + k * padded(d));
    if (weights.b.data != nullptr) pack_vector(weights.b, 0, models, b.data());
  }
};

template <class T>
ModelsPass<T> pass_of(const Source<T>& source, const ModelSamples& samples, Operation operation) {
  return {.source = source,
          .y = Targets<T>(samples.y),
          .y_pred = Targets<T>(samples.y_pred),
          .models = samples.models,
          .segments = cut(source.n(), source.d(), sizeof(T)),
          .walk = choose_models_walk<T>(source.layout(), operation)};
}

// The samples of a single model.
Samples alone(const ModelSamples& samples, std::int64_t model) {
  return {samples.x, column(samples.y, model), samples.s, column(samples.y_pred, model), samples.table};
}

// Sums of float32 that aren't finite, or of squares that vanish, are made anew in float64, as in a call for such a model
// alone: by one.
template <class T>
bool holds(const double* sums, std::int64_t count) {
  return sizeof(T) == sizeof(double) || all_finite(sums, count);
}

// One of the models in a call of its own.
template <class T>
bool evaluate_alone(const ModelSamples& samples, const Packed<T>& packed, Reduction reduction, std::int64_t model,
                    T* grad, Loss& loss, const Stop* stop, bool* negative) {
  const std::int64_t d = samples.x.d;
  const SamplesSource<T> source(alone(samples, model));
  std::vector<T> own(static_cast<std::size_t>(d));
  const bool done = LeastSquares<T>(source.get(), reduction)
                        .evaluate(packed.w.data() + model * padded(d), packed.b[static_cast<std::size_t>(model)],
                                  own.data(), loss, stop, nullptr, negative);
  for (std::int64_t j = 0; j < d; ++j) grad[j * samples.models + model] = own[static_cast<std::size_t>(j)];
  return done;
}

template <class T>
void write_column(const double* from, double scale, std::int64_t d, std::int64_t models, T* to) {
  for (std::int64_t j = 0; j < d; ++j) to[j * models] = static_cast<T>(scale * from[j]);
}

}  // namespace

template <class T>
bool losses_and_gradients(const ModelSamples& samples, const Weights& weights, Reduction reduction, T* grad,
                          Loss* losses, const Stop* stop, bool* negative) {
  const std::int64_t d = samples.x.d, models = samples.models;
  const SamplesSource<T> chosen({samples.x, {}, samples.s, {}, samples.table});
  const Source<T>& source = chosen.get();
  const Packed<T> packed(weights, d, models);
  std::atomic<bool> below_0{false};
  if (models == 1) return evaluate_alone(samples, packed, reduction, 0, grad, losses[0], stop, negative);
  ModelsPass<T> pass = pass_of(source, samples, Operation::fused);
  pass.w = packed.w.data();
  pass.b = packed.b.data();
  pass.stop = stop;
  if (negative != nullptr && source.weighted()) pass.negative = &below_0;
  std::vector<double> sums;
  const bool done = run(pass, sums);
  if (negative != nullptr) *negative = below_0.load(std::memory_order_relaxed);
  if (!done) return false;
  for (std::int64_t k = 0; k < models; ++k) {
    const double* const own = sums.data() + k * (kModelScalars + d);
    if (!holds<T>(own, kModelScalars + d) || !squares_hold<T>(own[0], source.n(), d)) {
      if (!evaluate_alone(samples, packed, reduction, k, grad, losses[k], stop, nullptr)) return false;
      continue;
    }
    const double weight = source.weighted() ? own[2] : static_cast<double>(source.n());
    const double scale = reduction == Reduction::mean ? 1.0 / weight : 1.0;
    losses[k] = {.loss = reduction == Reduction::mean ? own[0] / weight : own[0],
                 .grad_b = 2 * scale * own[1],
                 .weight = weight};
    write_column(own + kModelScalars, 2 * scale, d, models, grad + k);
  }
  return true;
}

template <class T>
void forward(const ModelSamples& samples, const Weights& weights, T* out, const Stop* stop) {
  const SamplesSource<T> chosen({samples.x, {}, {}, {}, samples.table});
  const Source<T>& source = chosen.get();
  const Packed<T> packed(weights, samples.x.d, samples.models);
  ModelsPass<T> pass = pass_of(source, samples, Operation::forward);
  pass.w = packed.w.data();
  pass.b = packed.b.data();
  pass.out = out;
  pass.stop = stop;
  std::vector<double> sums;
  run(pass, sums);
}

template <class T>
void gradients(const ModelSamples& samples, Reduction reduction, T* grad, const Stop* stop) {
  const std::int64_t d = samples.x.d, models = samples.models;
  const SamplesSource<T> chosen({samples.x, {}, {}, {}, samples.table});
  const Source<T>& source = chosen.get();
  ModelsPass<T> pass = pass_of(source, samples, Operation::gradient);
  pass.stop = stop;
  std::vector<double> sums;
  if (!run(pass, sums)) return;
  std::vector<T> one(static_cast<std::size_t>(d));
  for (std::int64_t k = 0; k < models; ++k) {
    const double* const own = sums.data() + k * (kModelScalars + d);
    if (holds<T>(own, kModelScalars + d)) {
      const double scale = reduction == Reduction::mean ? 2.0 / static_cast<double>(source.n()) : 2.0;
      write_column(own + kModelScalars, scale, d, models, grad + k);
    } else {
      const SamplesSource<T> single(alone(samples, k));
      gradient(single.get(), reduction, one.data(), stop);
      for (std::int64_t j = 0; j < d; ++j) grad[j * models + k] = one[static_cast<std::size_t>(j)];
    }
  }
}

template bool losses_and_gradients(const ModelSamples&, const Weights&, Reduction, float*, Loss*, const Stop*, bool*);
template bool losses_and_gradients(const ModelSamples&, const Weights&, Reduction, double*, Loss*, const Stop*, bool*);
template void forward(const ModelSamples&, const Weights&, float*, const Stop*);
template void forward(const ModelSamples&, const Weights&, double*, const Stop*);
template void gradients(const ModelSamples&, Reduction, float*, const Stop*);
template void gradients(const ModelSamples&, Reduction, double*, const Stop*);

}  // namespace gdfast
