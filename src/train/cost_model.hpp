// What a training step costs on other numbers of ranks, from what was measured on a few.
#pragma once

#include <cstdint>

namespace charrnn {

/// An all-reduce of n bytes over P ranks takes 2·log2(P)·α + 2·(P − 1)/P·n·β seconds (Rabenseifner's
/// algorithm; Thakur, Rabenseifner & Gropp, "Optimization of collective communication operations in MPICH",
/// 2005): α is a message's latency, β the time of a byte, its addition included.
struct ReduceCost {
  double alpha = 0, beta = 0;

  double seconds(int ranks, double bytes) const;
  /// α and β from a sum of nearly nothing and one of `bytes`, measured on `ranks` ≥ 2.
  static ReduceCost from_measured(int ranks, double seconds_of_nothing, double seconds, double bytes);
};

/// A rank's forward and backward pass takes `fixed` + `per_column`·columns seconds. On GPUs the first part rules: 64 columns take
/// nearly half as long as 512.
struct ColumnCost {
  double fixed = 0, per_column = 0;

  /// From the times of `many` columns and of `few`; from the first alone if they are the same number.
  static ColumnCost from_measured(std::int64_t many, double seconds_of_many, std::int64_t few, double seconds_of_few);
};

struct CostModel {
  double per_update = 0;  ///< seconds of clipping and the optimizer
  ColumnCost columns;
  ReduceCost reduce;
  double gradient_bytes = 0;

  /// Seconds of a step with so many columns on `ranks` ranks; the rank with the most columns decides.
  double step_seconds(std::int64_t all_columns, int ranks) const;
};

}  // namespace charrnn
