#include "train/cost_model.hpp"

#include <algorithm>
#include <cmath>

namespace charrnn {

double ReduceCost::seconds(int ranks, double bytes) const {
  const double p = ranks;
  return 2 * std::log2(p) * alpha + 2 * (p - 1) / p * bytes * beta;
}

ReduceCost ReduceCost::from_measured(int ranks, double seconds_of_nothing, double seconds, double bytes) {
  const double p = ranks;
  return {seconds_of_nothing / (2 * std::log2(p)),
          std::max(0.0, seconds - seconds_of_nothing) / (2 * (p - 1) / p * bytes)};
}

double CostModel::step_seconds(std::int64_t columns, int ranks) const {
  const std::int64_t most = (columns + ranks - 1) / ranks;
  return per_step + per_column * static_cast<double>(most) + reduce.seconds(ranks, gradient_bytes);
}

}  // namespace charrnn
