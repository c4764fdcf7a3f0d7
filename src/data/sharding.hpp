// Which rank computes which part of a batch.
#pragma once

#include <cstdint>

#include "base/range.hpp"

namespace charrnn {

/// The columns of every batch are cut into micro-batches of whole columns, and a rank computes some neighbouring
/// micro-batches. Which columns a micro-batch holds depends on the number of columns and of
/// micro-batches only, never on the number of ranks.
///
///     const Sharding mine(8, rank, ranks);                // 8 micro-batches on all ranks together
///     const Range columns = mine.columns_of_rank(64);     // of 64 columns, those that this rank computes
struct Sharding {
  std::int64_t micro_batches;  ///< on all ranks together
  Range mine;                  ///< this rank's; may be empty

  Sharding(std::int64_t all_micro_batches, std::int64_t rank, std::int64_t ranks)
      : micro_batches(all_micro_batches), mine(share_of(all_micro_batches, rank, ranks)) {}

  /// Columns of a micro-batch, out of `columns` in the whole batch; may be empty.
  Range columns_of_micro_batch(std::int64_t columns, std::int64_t micro_batch) const {
    return share_of(columns, micro_batch, micro_batches);
  }
  /// Columns of all micro-batches of this rank.
  Range columns_of_rank(std::int64_t columns) const {
    const std::int64_t first = share_of(columns, mine.first, micro_batches).first;
    return {first, mine.count > 0 ? share_of(columns, mine.end() - 1, micro_batches).end() - first : 0};
  }
};

}  // namespace charrnn
