// Sums of one number for each micro-batch over all ranks: the same bits on every rank and for every number of ranks.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "base/summation_tree.hpp"
#include "data/sharding.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

struct MicroBatchSum {
  double sum = 0;
  bool flag = false;  ///< some rank's flag was set
};

/// Collective; `mine` has one number for each micro-batch of this rank. MPI only adds zeros to each of them; the additions
/// that round are done here, along the tree.
inline MicroBatchSum sum_over_micro_batches(Communicator& control, const Sharding& sharding,
                                            std::span<const double> mine, bool flag = false) {
  std::vector<double> all(static_cast<std::size_t>(sharding.micro_batches) + 1);
  std::copy(mine.begin(), mine.end(), all.begin() + sharding.mine.first);
  all.back() = flag ? 1 : 0;
  control.all_reduce_sum(all);
  return {tree_sum(std::span(all).first(all.size() - 1)), all.back() > 0};
}

}  // namespace charrnn
