// The sweeps of a descent along a path, and what is gained by several of them.
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/dispatch.hpp"
#include "path_descent.hpp"

namespace gdfast {
namespace {

constexpr std::int64_t kBlock = 8;  // columns whose moves reach the others together

}  // namespace

void PathDescent::start_sweeps() {
  const auto count = static_cast<std::size_t>(set_.size());
  alone_.resize(count);
  inverse_.resize(count);
  length_.resize(count);
  start_.assign(now_.u.begin(), now_.u.begin() + set_.size());
  moved_.assign(count, 0);
  before_it_.assign(count, 0);
  behind_it_.assign(count, 0);
  from_.assign(count, 0);
  trips_ = 0;
  for (Vector* const values :
       {&trip_.by, &trip_.moved, &trip_.behind, &last_trip_.by, &last_trip_.moved, &last_trip_.behind})
    values->assign(count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    alone_[i] = now_.h[i] + square_[i] * now_.u[i];
    inverse_[i] = 1 / (square_[i] + l2_);
    length_[i] = std::sqrt(square_[i]);
  }
}

inline void PathDescent::move(std::size_t i) {
  const double alone = alone_[i] - before_it_[i] - behind_it_[i];
  const double size = std::fabs(alone) - half_l1_;
  const double to = size > 0 ? std::copysign(size * inverse_[i], alone) : 0;
  steepest_ = std::max(steepest_, std::fabs(to - now_.u[i]) * (square_[i] + l2_));
  now_.u[i] = to;
  moved_[i] = to - start_[i];
}

// A sweep there and one back are a linear map of what is left, while no coefficient comes or goes. So of where two such
// trips have led (1 + γ) times the one and −γ times the one before it are taken, which leaves least (Anderson 1965; after
// sweeps there and back, Bertrand and Massias 2021).
void PathDescent::leap() {
  const auto count = static_cast<std::size_t>(set_.size());
  double along = 0, squares = 0;
  for (std::size_t i = 0; i < count; ++i) {
    trip_.by[i] = moved_[i] - from_[i];
    const double change = trip_.by[i] - last_trip_.by[i];
    along += square_[i] * trip_.by[i] * change;
    squares += square_[i] * change * change;
  }
  std::copy(moved_.begin(), moved_.end(), trip_.moved.begin());
  std::copy(behind_it_.begin(), behind_it_.end(), trip_.behind.begin());
  const double by = -along / squares;
  if (++trips_ > 1 && std::isfinite(by) && keeps_signs(by) && !raises(by)) {
    for (std::size_t i = 0; i < count; ++i) {
      moved_[i] += by * (moved_[i] - last_trip_.moved[i]);
      behind_it_[i] += by * (behind_it_[i] - last_trip_.behind[i]);
      now_.u[i] = start_[i] + moved_[i];
    }
  }
  std::copy(moved_.begin(), moved_.end(), from_.begin());
  std::swap(trip_, last_trip_);
}

bool PathDescent::keeps_signs(double by) const {
  for (std::size_t i = 0; i < moved_.size(); ++i) {
    const double to = start_[i] + (moved_[i] + by * (moved_[i] - last_trip_.moved[i]));
    if (!same_sign(to, now_.u[i]) && (to != 0 || now_.u[i] != 0)) return false;
  }
  return true;
}

// Whether the objective rises by a leap that keeps signs. Where columns depend on one another trips go on along a way on
// which the loss is the same: then their changes are roundings, and the leap leads anywhere. A product mᵀAm of moves is known
// from what those behind each column change of it: Σ mᵢ·(aᵢᵢ·mᵢ + 2·behindᵢ).
bool PathDescent::raises(double by) const {
  double rise = 0;
  for (std::size_t i = 0; i < moved_.size(); ++i) {
    const double move = moved_[i], more = by * (move - last_trip_.moved[i]);
    const double behind = behind_it_[i], more_behind = by * (behind - last_trip_.behind[i]);
    const double h = alone_[i] - square_[i] * start_[i];
    const double slope = square_[i] * (2 * move + more) + 2 * (behind + more_behind - h) + l2_ * (2 * now_.u[i] + more);
    rise += more * slope + 2 * move * more_behind + 2 * half_l1_ * std::copysign(1.0, now_.u[i]) * more;
  }
  return !(rise <= 0);
}

void PathDescent::sweep_forward() {
  const std::int64_t count = set_.size();
  std::fill(before_it_.begin(), before_it_.end(), 0.0);
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t end = std::min(first + kBlock, count);
    const double* rows[kBlock];
    bool any = false;
    for (std::int64_t i = first; i < end; ++i) {
      const double* const row = set_.row(i);
      rows[i - first] = row + end;
      move(static_cast<std::size_t>(i));
      const double by = moved_[static_cast<std::size_t>(i)];
      any = any || by != 0;
      for (std::int64_t k = i + 1; k < end; ++k) before_it_[static_cast<std::size_t>(k)] += by * row[k];
    }
    if (any) row_kernels().add(moved_.data() + first, rows, end - first, count - end, before_it_.data() + end);
  }
}

void PathDescent::sweep_backward() {
  const std::int64_t count = set_.size();
  for (std::int64_t end = count; end > 0;) {
    const std::int64_t first = (end - 1) / kBlock * kBlock;
    const double* rows[kBlock];
    for (std::int64_t i = first; i < end; ++i) rows[i - first] = set_.row(i) + end;
    row_kernels().dot(rows, end - first, moved_.data() + end, count - end, behind_it_.data() + first);
    for (std::int64_t i = end; i-- > first;) {
      const double* const row = set_.row(i);
      double& behind = behind_it_[static_cast<std::size_t>(i)];
      for (std::int64_t k = i + 1; k < end; ++k) behind += row[k] * moved_[static_cast<std::size_t>(k)];
      move(static_cast<std::size_t>(i));
    }
    end = first;
  }
}

}  // namespace gdfast
