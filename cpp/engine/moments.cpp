#include "moments.hpp"

#include <algorithm>

#include "mirror.hpp"
#include "moments_job.hpp"

namespace gdfast {

void mirror(double* gram, std::int64_t d) {
  const std::int64_t size = d + 2, first_below = d < kNarrowMoments ? size : d / kStrip * kStrip;
  each_below_diagonal(size, [gram, d, size, first_below](std::int64_t j, std::int64_t k) {
    double &lower = gram[j * size + k], &upper = gram[k * size + j];
    if (j >= first_below && k < d) {
      upper = lower;
    } else {
      lower = upper;
    }
  });
}

template <class T>
bool moments(const Source<T>& source, double* gram, double* origin, Counters& counters, const Stop* stop) {
  const std::int64_t d = source.d();
  const Origin about = choose_origin(source);
  std::copy_n(about.x(), d, origin);
  origin[d] = about.y;
  const auto sum = fits_the_cache(d) ? moments_in_pieces<T> : moments_in_sheets<T>;
  if (!sum(source, about, gram, counters, stop)) return false;
  mirror(gram, d);
  return true;
}

template bool moments<float>(const Source<float>&, double*, double*, Counters&, const Stop*);
template bool moments<double>(const Source<double>&, double*, double*, Counters&, const Stop*);

}  // namespace gdfast
