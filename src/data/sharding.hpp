// Which rank works what.
#pragma once

#include <cstdint>

#include "base/range.hpp"

namespace charrnn {

/// The columns of every batch are cut into `groups` groups; a rank works a stretch of whole groups. What a
/// group is depends on the number of columns and of groups alone, not on that of ranks.
struct Sharding {
  std::int64_t groups;  ///< on all ranks together
  Range mine;           ///< groups of this rank; may be none

  Sharding(std::int64_t all_groups, std::int64_t rank, std::int64_t ranks)
      : groups(all_groups), mine(share_of(all_groups, rank, ranks)) {}

  /// Columns of a group, out of so many in the whole batch; may be none.
  Range columns_of_group(std::int64_t columns, std::int64_t group) const {
    return share_of(columns, group, groups);
  }
  /// Columns of all groups of this rank.
  Range columns_of_rank(std::int64_t columns) const {
    const std::int64_t first = share_of(columns, mine.first, groups).first;
    return {first, mine.count > 0 ? share_of(columns, mine.end() - 1, groups).end() - first : 0};
  }
};

}  // namespace charrnn
