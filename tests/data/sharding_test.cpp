#include "data/sharding.hpp"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

/// Cuts several totals into several parts by `cut`: contiguous, in order, with nothing left out. check(total, part, parts,
/// count) looks at how large each is.
template <class Cut, class Check>
void expect_all_covered_once(const Cut& cut, const Check& check) {
  for (std::int64_t total : {0, 1, 3, 10, 64}) {
    for (std::int64_t parts : {1, 2, 3, 4, 7}) {
      std::int64_t next = 0;
      for (std::int64_t part = 0; part < parts; ++part) {
        const Range range = cut(total, part, parts);
        EXPECT_EQ(range.first, next);
        check(total, part, parts, range.count);
        next += range.count;
      }
      EXPECT_EQ(next, total);
    }
  }
}

TEST(ShareOf, CoversAllOnceAndEvenly) {
  expect_all_covered_once(share_of, [](std::int64_t total, std::int64_t, std::int64_t parts, std::int64_t count) {
    EXPECT_GE(count, total / parts);
    EXPECT_LE(count, (total + parts - 1) / parts);
  });
}

TEST(SliceOf, TheLastTakesWhatIsLeft) {
  expect_all_covered_once(slice_of, [](std::int64_t total, std::int64_t part, std::int64_t parts, std::int64_t count) {
    const bool is_last = part + 1 == parts;
    EXPECT_EQ(count, is_last ? total - total / parts * part : total / parts);
  });
}

TEST(ShardingTest, RanksCoverTheGroupsWhichDoNotDependOnThem) {
  constexpr std::int64_t kColumns = 13, kGroups = 5;
  for (std::int64_t ranks : {1, 2, 3, 5, 8}) {
    std::int64_t next_group = 0, next_column = 0;
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      const Sharding sharding(kGroups, rank, ranks);
      const Range columns = sharding.columns_of_rank(kColumns);
      EXPECT_EQ(sharding.mine.first, next_group);
      EXPECT_EQ(columns.first, next_column);
      std::int64_t end = columns.first;
      for (std::int64_t group = sharding.mine.first; group < sharding.mine.end(); ++group) {
        EXPECT_EQ(sharding.columns_of_micro_batch(kColumns, group), share_of(kColumns, group, kGroups));
        end = sharding.columns_of_micro_batch(kColumns, group).end();
      }
      EXPECT_EQ(columns.end(), end);
      next_group = sharding.mine.end();
      next_column = columns.end();
    }
    EXPECT_EQ(next_group, kGroups);
    EXPECT_EQ(next_column, kColumns);
  }
}

}  // namespace
}  // namespace charrnn
