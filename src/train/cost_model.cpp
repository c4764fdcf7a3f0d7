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

ColumnCost ColumnCost::from_measured(std::int64_t many, double seconds_of_many, std::int64_t few,
                                     double seconds_of_few) {
  if (few == many) return {0, seconds_of_many / static_cast<double>(many)};
  // Times vary: neither part is below nothing.
  const double slope = std::clamp((seconds_of_many - seconds_of_few) / static_cast<double>(many - few), 0.0,
                                  seconds_of_many / static_cast<double>(many));
  return {seconds_of_many - slope * static_cast<double>(many), slope};
}

double CostModel::step_seconds(std::int64_t all_columns, int ranks) const {
  const std::int64_t most = (all_columns + ranks - 1) / ranks;
  return per_update + columns.fixed + columns.per_column * static_cast<double>(most) +
         reduce.seconds(ranks, gradient_bytes);
}

}  // namespace charrnn
