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
/// additions that round are done here, along the tree. Numbers that travel with them, `counts`, are added
/// up too: whole ones, or such as one rank alone gives.
inline double sum_over_micro_batches(Communicator& control, const Sharding& sharding, std::span<const double> mine,
                                     std::span<double> counts = {}) {
  const auto numbers = static_cast<std::size_t>(sharding.micro_batches);
  std::vector<double> all(numbers + counts.size());
  std::copy(mine.begin(), mine.end(), all.begin() + sharding.mine.first);
  std::copy(counts.begin(), counts.end(), all.begin() + sharding.micro_batches);
  control.all_reduce_sum(all);
  std::copy_n(all.begin() + sharding.micro_batches, counts.size(), counts.begin());
  return tree_sum(std::span(all).first(numbers));
}

}  // namespace charrnn
