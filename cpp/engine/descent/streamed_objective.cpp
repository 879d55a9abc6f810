#include "streamed_objective.hpp"

#include <algorithm>

namespace gdfast {

template <class T>
bool StreamedObjective<T>::evaluate(const double* w, double b, double* grad, Loss& loss) {
  for (std::size_t j = 0; j < w_.size(); ++j) w_[j] = static_cast<T>(w[j]);
  return problem_.evaluate(w_.data(), static_cast<T>(b), grad, loss, stop_, &counters_);
}

template <class T>
bool StreamedObjective<T>::product(const double* w, double b, double* out, double& out_b) {
  static constexpr T kNothing = 0;
  for (std::size_t j = 0; j < w_.size(); ++j) w_[j] = static_cast<T>(w[j]);
  const VectorView targets{reinterpret_cast<const char*>(&kNothing), 0, kDType<T>};
  const SamplesSource<T> without_y({samples_.x, targets, samples_.s, {}, samples_.table});
  std::optional<CentredSource<T>> less_centre;
  const Source<T>& source = centre_ ? less_centre.emplace(without_y.get(), Centre{centre_.x, 0}) : without_y.get();
  Loss loss{};
  if (!LeastSquares<T>(source, reduction_).evaluate(w_.data(), static_cast<T>(b), out, loss, stop_, &counters_)) {
    return false;
  }
  out_b = loss.grad_b;
  return true;
}

template <class T>
bool Batches<T>::evaluate(const double* w, double b, double* grad, Loss& loss) {
  if (!StreamedObjective<T>::evaluate(w, b, grad, loss)) return false;
  if (loss.weight == 0) {
    loss = {};
    std::fill_n(grad, this->samples_.x.d, 0.0);
  }
  return true;
}

template <class T>
void Batches<T>::select(std::int64_t k) {
  const std::int64_t start = k * batch_rows_;
  const std::int64_t left = this->samples_.x.n - start;
  const std::int64_t rows = left < batch_rows_ ? left : batch_rows_;
  Samples batch = this->samples_;
  batch.x.n = rows;
  if (order_.shuffles()) {
    picked_ = GatheredSource<T>(batch, {order_.rows() + start, left});
    this->problem_ = LeastSquares<T>(*this->centred(picked_), this->reduction_);
    return;
  }
  batch.table.first += start;
  if (batch.x.data != nullptr) batch.x.data += start * batch.x.row_stride;
  batch.y.data += start * batch.y.stride;
  if (batch.s.data != nullptr) batch.s.data += start * batch.s.stride;
  this->source_ = SamplesSource<T>(batch);
  this->problem_ = LeastSquares<T>(*this->centred(this->source_.get()), this->reduction_);
}

template class StreamedObjective<float>;
template class StreamedObjective<double>;
template class Batches<float>;
template class Batches<double>;

}  // namespace gdfast
