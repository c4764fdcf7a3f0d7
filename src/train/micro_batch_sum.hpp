// Sums of one number for each micro-batch over all ranks: the same bits on every rank and for every number of ranks.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "base/summation_tree.hpp"
#include "data/sharding.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

/// Collective; `mine` has one number for each micro-batch of this rank. MPI only adds zeros to each of them; the
/// additions that round are done here, along the tree. The numbers in `shared` travel with them and are added up by MPI:
/// whole numbers, or such as one rank alone gives and the others leave at 0.
inline double sum_over_micro_batches(Communicator& control, const Sharding& sharding, std::span<const double> mine,
                                     std::span<double> shared = {}) {
  const auto numbers = static_cast<std::size_t>(sharding.micro_batches);
  std::vector<double> all(numbers + shared.size());
  std::copy(mine.begin(), mine.end(), all.begin() + sharding.mine.first);
  std::copy(shared.begin(), shared.end(), all.begin() + sharding.micro_batches);
  control.all_reduce_sum(all);
  std::copy_n(all.begin() + sharding.micro_batches, shared.size(), shared.begin());
  return tree_sum(std::span(all).first(numbers));
}

}  // namespace charrnn
