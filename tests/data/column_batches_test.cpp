#include "data/column_batches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/utf8.hpp"
#include "data/scanned_here.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;

TEST(ColumnBatches, AreNeighbouringPiecesOfTheText) {
  // 11 characters in 3 columns: 3 rows, two characters left out
  const ScannedHere here(MemoryText("abcdefghijk"), {.vocabulary = {.min_freq = 1}, .train_fraction = 1.0});
  const ColumnLayout layout(0, 11, 3);
  EXPECT_EQ(layout.rows(), 3);
  const Sharding sharding(2, 1, 2);  // "def" and "ghi", of the three columns
  ColumnBatches batches(here.tokens(0, 11), layout, sharding, BpttSchedule(1, layout.rows(), 2, false));
  ASSERT_EQ(batches.per_epoch(), 1);
  Batch batch;
  batches.load(0, 0, batch);
  const auto token = [](char c) { return 2 + (c - 'a'); };  // all equally frequent: by code point
  EXPECT_THAT(batch.micro_batches[0].inputs, ElementsAre(token('d'), token('g'), token('e'), token('h')));
  EXPECT_EQ(batch.all_targets, 6);
  EXPECT_THAT(batch.micro_batches[0].targets, ElementsAre(token('e'), token('h'), token('f'), token('i')));
}

/// What all columns read in an epoch, one after the other, by ranks that share them: the inputs, and the last target.
std::vector<std::int64_t> read_epoch(const ScannedHere& here, std::int64_t columns, std::int64_t piece,
                                     std::int64_t epoch, std::int64_t ranks) {
  const std::int64_t characters = here.summary.characters;
  const ColumnLayout layout(0, characters, columns);
  std::vector<std::vector<std::int64_t>> of_column(static_cast<std::size_t>(columns));
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    ColumnBatches batches(here.tokens(0, characters), layout, Sharding(ranks, rank, ranks),
                          BpttSchedule(1, layout.rows(), 7, true), true, PieceOrder(characters, piece, 5));
    Batch batch;
    for (std::int64_t index = 0; index < batches.per_epoch(); ++index) {
      batches.load(epoch, index, batch);
      const MicroBatch& mine = batch.micro_batches.at(0);
      for (std::size_t i = 0; i < mine.inputs.size(); ++i) {
        const auto column =
            static_cast<std::size_t>(mine.columns.first) + i % static_cast<std::size_t>(mine.columns.count);
        std::vector<std::int64_t>& read = of_column[column];
        if (read.empty()) read.push_back(mine.inputs[i]);
        EXPECT_EQ(read.back(), mine.inputs[i]);
        read.push_back(mine.targets[i]);
      }
    }
  }
  std::vector<std::int64_t> all;
  for (const auto& read : of_column) all.insert(all.end(), read.begin(), read.end());
  return all;
}

TEST(ColumnBatches, AreCutFromPiecesInANewOrderEveryEpoch) {
  // 1,003 different characters: 10 pieces of 100 and 3 left over. 7 columns of 143 begin within pieces, and read one of the
  // 3; 2 are left out.
  std::string text;
  for (char32_t character = 0; character < 1003; ++character) append_utf8(text, 0x4E00 + character);
  const ScannedHere here(MemoryText(text), {.vocabulary = {.full = true}, .train_fraction = 1.0});
  const std::vector<std::int64_t> tokens = here.encoded(0, 1003);
  std::vector<std::vector<std::int64_t>> orders;
  for (const std::int64_t epoch : {0, 1}) {
    const std::vector<std::int64_t> read = read_epoch(here, 7, 100, epoch, 1);
    EXPECT_EQ(read_epoch(here, 7, 100, epoch, 3), read);
    std::vector<std::int64_t>& order = orders.emplace_back();
    std::vector<std::int64_t> expected;
    for (std::size_t place = 0; place < 10; ++place) {
      const auto piece = std::ranges::find(tokens, read.at(100 * place));
      order.push_back((piece - tokens.begin()) / 100);
      expected.insert(expected.end(), piece, piece + 100);
    }
    expected.push_back(tokens[1000]);
    EXPECT_EQ(read, expected);
    EXPECT_FALSE(std::ranges::is_sorted(order));
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_THAT(orders[0], testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(ColumnBatches, APieceAsLongAsTheTextChangesNothing) {
  const ScannedHere here(MemoryText("abcdefghijklmnopqrstuvwxyz"),
                         {.vocabulary = {.min_freq = 1}, .train_fraction = 1.0});
  for (const std::int64_t piece : {26, 1000}) EXPECT_EQ(read_epoch(here, 2, piece, 3, 2), here.encoded(0, 26));
}

}  // namespace
}  // namespace charrnn
