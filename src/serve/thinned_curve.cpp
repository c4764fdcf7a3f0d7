#include "serve/thinned_curve.hpp"

namespace charrnn {

void ThinnedCurve::add(std::int64_t step, double value) {
  constexpr std::size_t kMost = 80;
  if (stretches_.empty() || stretches_.back().count == full_) {
    if (stretches_.size() == kMost) {  // from now on twice as long
      for (std::size_t i = 0; i < kMost / 2; ++i) {
        const Stretch &one = stretches_[2 * i], &other = stretches_[2 * i + 1];
        stretches_[i] = {other.last, one.sum + other.sum, one.count + other.count};
      }
      stretches_.resize(kMost / 2);
      full_ *= 2;
    }
    stretches_.emplace_back();
  }
  Stretch& last = stretches_.back();
  last = {step, last.sum + value, last.count + 1};
}

std::vector<std::pair<std::int64_t, double>> ThinnedCurve::points() const {
  std::vector<std::pair<std::int64_t, double>> points;
  for (const Stretch& stretch : stretches_) {
    points.emplace_back(stretch.last, stretch.sum / static_cast<double>(stretch.count));
  }
  return points;
}

}  // namespace charrnn
