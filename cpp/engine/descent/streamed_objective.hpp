// The loss of samples, read from memory at each evaluation: of all of them, or of one batch after the other.
#pragma once

#include <optional>
#include <vector>

#include "engine/counters.hpp"
#include "engine/sources/centred.hpp"
#include "engine/sources/gathered.hpp"
#include "engine/sources/samples.hpp"
#include "objective.hpp"
#include "row_order.hpp"

namespace gdfast {

template <class T>
class StreamedObjective : public Objective {
 public:
  // Of w and b for the samples less the centre, where there is one.
  StreamedObjective(const Samples& samples, const Centre& centre, Reduction reduction, const Stop* stop,
                    Counters& counters)
      : samples_(samples),
        source_(samples),
        centre_(centre),
        problem_(*centred(source_.get()), reduction),
        reduction_(reduction),
        w_(static_cast<std::size_t>(samples.x.d)),
        stop_(stop),
        counters_(counters) {}

  // Both are instantiated below, which the check doesn't see.
  // NOLINTNEXTLINE(portability-template-virtual-member-function)
  bool evaluate(const double* w, double b, double* grad, Loss& loss) override;
  // NOLINTNEXTLINE(portability-template-virtual-member-function)
  bool product(const double* w, double b, double* out, double& out_b) override;
  // NOLINTNEXTLINE(portability-template-virtual-member-function)
  const char* form() const override { return problem_.form(); }

 protected:
  Samples samples_;
  SamplesSource<T> source_;
  Centre centre_;
  std::optional<CentredSource<T>> centred_;
  LeastSquares<T> problem_;
  Reduction reduction_;

  // The source's rows less the centre, or the source itself, which outlives this. Good until it is called again.
  const Source<T>* centred(const Source<T>& source) { return centre_ ? &centred_.emplace(source, centre_) : &source; }

 private:
  std::vector<T> w_;
  const Stop* stop_;
  Counters& counters_;
};

// One update's share of the rows, in the order that is drawn for each pass.
template <class T>
class Batches : public StreamedObjective<T> {
 public:
  Batches(const Samples& samples, const Centre& centre, std::int64_t batch_rows, RowOrder& order, Reduction reduction,
          const Stop* stop, Counters& counters)
      : StreamedObjective<T>(samples, centre, reduction, stop, counters),
        picked_(samples, {}),
        batch_rows_(batch_rows),
        order_(order),
        stop_(*stop) {}

  // A batch of which no sample counts has no mean. It changes nothing.
  // Instantiated below, which the check doesn't see. NOLINTNEXTLINE(portability-template-virtual-member-function)
  bool evaluate(const double* w, double b, double* grad, Loss& loss) override;

  std::int64_t count() const { return (this->samples_.x.n + batch_rows_ - 1) / batch_rows_; }

  // False where the work was interrupted.
  bool start_pass() { return order_.draw(stop_); }

  // What `evaluate` is about from now on.
  void select(std::int64_t k);

 private:
  GatheredSource<T> picked_;  // of shuffled rows
  std::int64_t batch_rows_;
  RowOrder& order_;
  const Stop& stop_;
};

extern template class StreamedObjective<float>;
extern template class StreamedObjective<double>;
extern template class Batches<float>;
extern template class Batches<double>;

}  // namespace gdfast
