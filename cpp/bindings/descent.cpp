// gdfast.descent's Samples, Options and Hooks in, an Outcome out.
#include <pybind11/stl.h>

#include <limits>
#include <memory>
#include <optional>
#include <type_traits>

#include "arrays.hpp"
#include "descent_hooks.hpp"
#include "descent_input.hpp"
#include "engine/descent/descend.hpp"
#include "engine/descent/moments_objective.hpp"
#include "engine/descent/standardized_objective.hpp"
#include "engine/solve/certificate.hpp"
#include "functions.hpp"
#include "generator.hpp"
#include "gil.hpp"
#include "signal_check.hpp"

namespace gdfast::bindings {
namespace {

// The vector's memory as an array, without a copy: of many small passes, touching it once more would be a good part.
py::array array_of(std::vector<double>&& values) {
  auto kept = std::make_unique<std::vector<double>>(std::move(values));
  const auto size = static_cast<py::ssize_t>(kept->size());
  double* const data = kept->data();
  const py::capsule owner(kept.release(), [](void* p) { delete static_cast<std::vector<double>*>(p); });
  return py::array(py::dtype::of<double>(), py::array::ShapeContainer{size}, data, owner);
}

const char* name_of(Stopped stopped) {
  constexpr const char* kNames[] = {"n_iters", "tol", "validation", "callback", "interrupted", "diverged", "converged"};
  return kNames[static_cast<int>(stopped)];
}

// The objectives of one descent, each in the coordinates of its parameters.
template <class T>
class Objectives {
 public:
  Objectives(const Standardization& columns, const Centre& centre, std::int64_t d, Reduction reduction,
             const Stop& stop, Counters& counters)
      : columns_(columns),
        centre_(centre),
        nothing_(centre ? static_cast<std::size_t>(d) : 0),
        reduction_(reduction),
        stop_(stop),
        counters_(counters) {}

  Objective& of(const Input& input) {
    if (input.gram) {
      kept_.push_back(std::make_unique<MomentsObjective>(*input.gram, columns_, reduction_));
      return *kept_.back();
    }
    return of_samples(input);
  }

  Objective& of_samples(const Input& input) {
    return keep(std::make_unique<StreamedObjective<T>>(input.samples, centre_, reduction_, &stop_, counters_), input.d);
  }

  Objective& batches_of(const Input& input, std::int64_t rows, RowOrder& order, Batches<T>*& batches) {
    auto made = std::make_unique<Batches<T>>(input.samples, centre_, rows, order, reduction_, &stop_, counters_);
    batches = made.get();
    return keep(std::move(made), input.d);
  }

 private:
  Standardization columns_;
  Centre centre_;
  std::vector<double> nothing_;  // the shift that is left of columns less the centre
  Reduction reduction_;
  const Stop& stop_;
  Counters& counters_;
  std::vector<std::unique_ptr<Objective>> kept_;

  Objective& keep(std::unique_ptr<Objective> objective, std::int64_t d) {
    kept_.push_back(std::move(objective));
    const Standardization left = centre_ ? Standardization{nothing_.data(), columns_.scale} : columns_;
    if (left) kept_.push_back(std::make_unique<StandardizedObjective>(*kept_.back(), left, d));
    return *kept_.back();
  }
};

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

template <class T>
class Session {
 public:
  Session(const Input& train, const std::optional<Input>& validation, py::handle w, py::handle b, py::handle options,
          py::handle hooks)
      : has_b_(!b.is_none()),
        options_(options_of(options, has_b_)),
        order_(train.gram ? 0 : train.samples.x.n, options_.n_iters, draw(options),
               !may_end_early(validation.has_value(), hooks)),
        columns_(columns_of(options, train.d)),
        centre_(centre_of(options, columns_)),
        gram_(train.gram),
        objectives_(columns_, centre_, train.d, options_.reduction, stop_, counters_) {
    start(w, b, train.d);
    watch(hooks);
    Objective& full = objectives_.of(train);
    Batches<T>* batches = nullptr;
    const auto batch_rows = whole(options, Option::batch_size);
    Objective& update = batch_rows == 0 ? full : objectives_.batches_of(train, batch_rows, order_, batches);
    Objective* const other = validation ? &objectives_.of(*validation) : nullptr;
    // float32 can't tell more than its moments, which are float64.
    const bool has_samples = gram_ && train.samples.x.n > 0 && std::is_same_v<T, double>;
    Objective* const samples = has_samples ? &objectives_.of_samples(train) : nullptr;
    data_.emplace(Data<T>{.full = full,
                          .update = update,
                          .batches = batches,
                          .validation = other,
                          .gram = gram_ ? &*gram_ : nullptr,
                          .samples = samples,
                          .columns = columns_,
                          .target = centre_.y});
    counters_.take(order_.bytes());
  }

  py::object run() {
    {
      const ReleasedGil released;
      const FinishedOrder finished(order_);  // before the GIL is taken back: whoever draws may need it
      descend(*data_, options_, watcher_, descent_);
      certify_outcome();
    }
    // Ctrl-C since the loop last asked: raised by the interpreter it would take the place of all that comes back here.
    if (!is_kept(error_) && signals_raise(error_)) descent_.stopped = Stopped::interrupted;
    const py::tuple outcome =
        py::make_tuple(copy_of(descent_.w), number_or_none(has_b_, static_cast<double>(descent_.b)),
                       array_of(std::move(descent_.losses)), array_of(std::move(descent_.validation_losses)),
                       descent_.loss, name_of(descent_.stopped), error_, counters_.bytes_read.load(),
                       counters_.peak.load(), certificate_.gap, certificate_.loss_error, certificate_.gradient_norm,
                       gradient(), descent_.dependent, descent_.smallest_pivot, form());
    kept_.append(outcome);
    return outcome;
  }

 private:
  bool has_b_;
  py::object error_ = py::none();
  py::object callback_, progress_;
  py::list kept_;
  Counters counters_;
  Stop stop_;
  DescentOptions options_;
  std::optional<Generator> generator_;
  RowOrder order_;
  Standardization columns_;
  Centre centre_;
  std::optional<Gram> gram_;
  Objectives<T> objectives_;
  std::optional<Data<T>> data_;
  Watcher<T> watcher_;
  Descent<T> descent_;
  Certificate certificate_{kUnknown, kUnknown, kUnknown, kUnknown};

  Drawing draw(py::handle options) {
    const py::handle rng = get(options, Option::rng);
    return rng.is_none() ? Drawing{} : generator_.emplace(rng, error_).drawing();
  }

  // Then an order drawn ahead would leave the generator elsewhere than where the passes made have brought it; and a
  // callback may draw from it too.
  bool may_end_early(bool has_validation, py::handle hooks) const {
    return has_validation || options_.tol >= 0 || !hooks.attr("callback").is_none();
  }

  void start(py::handle w, py::handle b, std::int64_t d) {
    std::int64_t size = 0;
    const auto view = as_vector(w, size);
    if (!view || size != d || view->dtype != kDType<T>) throw py::value_error("w doesn't go with x");
    Inputs inputs;
    inputs.x.d = d;
    inputs.w = *view;
    WeightRoom<T> room;
    const T* const values = weights(inputs, room);
    descent_.w.assign(values, values + d);
    if (has_b_) descent_.b = static_cast<T>(b.cast<double>());
  }

  // Where moments have said all there is to say, nobody asks for it.
  py::object gradient() {
    const bool unknown = gram_ || descent_.gradient.empty();
    return unknown ? py::object(py::none()) : py::object(array_of(std::move(descent_.gradient)));
  }

  // Of the kernel that read the samples of an update; None where moments took their place.
  py::object form() const {
    const char* const name = data_->update.form();
    return name == nullptr ? py::object(py::none()) : py::object(py::str(name));
  }

  // Of what is handed out, where the moments say.
  void certify_outcome() {
    const bool ended = descent_.stopped == Stopped::interrupted || descent_.stopped == Stopped::diverged;
    if (!gram_ || ended) return;
    const std::vector<double> w(descent_.w.begin(), descent_.w.end());
    certificate_ = certify(*gram_, columns_, options_.penalty, options_.reduction, has_b_, w.data(),
                           static_cast<double>(descent_.b), data_->samples, &stop_);
    // The descent's own is of parameters in float64, which float32 rounds: beside columns far from 0 that shows.
    if constexpr (std::is_same_v<T, float>) descent_.loss = certificate_.objective;
  }

  void watch(py::handle hooks) {
    callback_ = hooks.attr("callback");
    progress_ = hooks.attr("progress");
    kept_ = hooks.attr("kept");
    if (!callback_.is_none()) watcher_.after_pass = Callback<T>(callback_, has_b_, error_);
    if (progress_.is_none()) {
      stop_ = SignalCheck(error_);
    } else {
      stop_ = [signals = SignalCheck(error_), progress = Progress<T>(progress_, descent_, error_)]() mutable {
        return signals() || progress();
      };
    }
    watcher_.interrupted = &stop_;
  }
};

py::object descend_from(py::handle train, py::handle validation, py::handle w, py::handle b, py::handle options,
                        py::handle hooks) {
  if (!py::isinstance<py::tuple>(options) || py::len(options) != kOptions) {
    throw py::type_error("options are no gdfast.descent.Options");
  }
  const Input data = input_of(train);
  std::optional<Input> other;
  if (!validation.is_none()) other = input_of(validation);
  std::int64_t d = 0;
  const auto start = as_vector(w, d);
  if (start && start->dtype == DType::f32) return Session<float>(data, other, w, b, options, hooks).run();
  return Session<double>(data, other, w, b, options, hooks).run();
}

}  // namespace

void register_descent(py::module_& m) {
  m.def("descend", &descend_from, py::arg("train"), py::arg("validation"), py::arg("w"), py::arg("b"),
        py::arg("options"), py::arg("hooks"),
        R"(descend(train, validation, w, b, options, hooks)
--

The descent under `gdfast.fit`, on the types of `gdfast.descent`, whose values are checked already.

Returns
-------
tuple
    The fields of `gdfast.descent.Outcome`.
)");
}

}  // namespace gdfast::bindings
