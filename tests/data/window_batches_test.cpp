#include "data/window_batches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "data/scanned_here.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(WindowLayout, CountsAsTheNotebook) {
  constexpr std::int64_t kCharacters = 600'893;
  EXPECT_EQ((WindowLayout{.length = 8, .stride = 1}.windows(kCharacters)), 600'884);
  EXPECT_EQ((WindowLayout{.length = 8, .stride = 8}.windows(kCharacters)), 75'111);
  EXPECT_EQ((WindowLayout{.length = 3, .stride = 3, .most = 200'295}.windows(kCharacters)), 200'295);
  const WindowLayout split{.length = 8, .stride = 8, .train_fraction = 0.8};
  EXPECT_EQ(split.validation_windows(kCharacters), 15'022);
}

TEST(WindowLayout, AShortTextHasNone) {
  EXPECT_EQ((WindowLayout{.length = 8, .stride = 1}.windows(9)), 0);
  EXPECT_EQ((WindowLayout{.length = 8, .stride = 1}.windows(10)), 1);
}

/// A text of 26 letters, whose tokens are 0 … 25 but for the symbol '\0' before them.
class WindowBatchesTest : public testing::Test {
 protected:
  static constexpr std::int64_t kLetters = 26;

  WindowBatchesTest()
      : text_(MemoryText("abcdefghijklmnopqrstuvwxyz"), {.vocabulary = {.full = true}, .train_fraction = 1}),
        tokens_(std::make_shared<const TokenArray>(text_.tokens(0, kLetters))) {}

  WindowBatches make(const WindowLayout& layout, WindowPart part, std::int64_t rank = 0, std::int64_t ranks = 1) const {
    return {tokens_, layout, part, 7, Sharding(ranks, rank, ranks)};
  }
  /// First letters (a = 1) of the windows of an epoch, in order, over all ranks.
  std::vector<std::int64_t> starts(const WindowLayout& layout, WindowPart part, std::int64_t epoch,
                                   std::int64_t ranks = 1) const {
    std::vector<std::int64_t> found;
    Batch batch;
    for (std::int64_t index = 0; index < make(layout, part).per_epoch(); ++index) {
      for (std::int64_t rank = 0; rank < ranks; ++rank) {
        WindowBatches batches = make(layout, part, rank, ranks);
        batches.load(epoch, index, batch);
        const MicroBatch& group = batch.micro_batches[0];
        for (std::int64_t column = 0; column < group.columns.count; ++column) {
          found.push_back(group.inputs[static_cast<std::size_t>(column)]);
        }
      }
    }
    return found;
  }

  ScannedHere text_;
  std::shared_ptr<const TokenArray> tokens_;
};

TEST_F(WindowBatchesTest, InputsAndEveryNextCharacter) {
  WindowBatches batches = make({.length = 4, .stride = 5, .batch_size = 2}, WindowPart::kAll);
  EXPECT_EQ(batches.windows(), 5);  // begin at 0, 5, 10, 15, 20
  EXPECT_EQ(batches.per_epoch(), 3);
  Batch batch;
  batches.load(0, 1, batch);
  EXPECT_EQ(batch.length, 4);
  EXPECT_EQ(batch.micro_batches[0].columns, (Range{0, 2}));
  EXPECT_EQ(batch.all_targets, 8);
  EXPECT_THAT(batch.micro_batches[0].inputs, ElementsAre(11, 16, 12, 17, 13, 18, 14, 19));
  EXPECT_THAT(batch.micro_batches[0].targets, ElementsAre(12, 17, 13, 18, 14, 19, 15, 20));
  batches.load(0, 2, batch);  // what is left
  EXPECT_EQ(batch.micro_batches[0].columns, (Range{0, 1}));
  EXPECT_EQ(batch.all_targets, 4);
  EXPECT_THAT(batch.micro_batches[0].inputs, ElementsAre(21, 22, 23, 24));
}

TEST_F(WindowBatchesTest, OnlyTheCharacterAfterTheEnd) {
  WindowBatches batches = make({.length = 3, .stride = 3, .predict_every = false, .batch_size = 4}, WindowPart::kAll);
  Batch batch;
  batches.load(0, 0, batch);
  EXPECT_EQ(batch.all_targets, 4);
  EXPECT_THAT(batch.micro_batches[0].targets, ElementsAre(4, 7, 10, 13));
}

TEST_F(WindowBatchesTest, TrainingAndValidationShareTheWindows) {
  const WindowLayout layout{.length = 2, .stride = 1, .train_fraction = 0.7, .batch_size = 5};
  std::vector<std::int64_t> training = starts(layout, WindowPart::kTraining, 0);
  std::vector<std::int64_t> validation = starts(layout, WindowPart::kValidation, 0);
  EXPECT_EQ(std::ssize(validation), 6);  // floor(0.3 · 23)
  EXPECT_EQ(std::ssize(training), 17);
  EXPECT_EQ(starts(layout, WindowPart::kValidation, 1), validation);
  const std::vector<std::int64_t> again = starts(layout, WindowPart::kTraining, 0);
  const std::vector<std::int64_t> next = starts(layout, WindowPart::kTraining, 1);
  EXPECT_EQ(again, training);
  EXPECT_NE(next, training);
  std::set<std::int64_t> all(training.begin(), training.end());
  EXPECT_EQ(all, std::set<std::int64_t>(next.begin(), next.end()));
  all.insert(validation.begin(), validation.end());
  EXPECT_EQ(std::ssize(all), 23);
}

TEST_F(WindowBatchesTest, RanksShareABatch) {
  const WindowLayout layout{.length = 2, .stride = 1, .batch_size = 5};
  const std::vector<std::int64_t> alone = starts(layout, WindowPart::kTraining, 3);
  for (const std::int64_t ranks : {2, 3, 5}) EXPECT_EQ(starts(layout, WindowPart::kTraining, 3, ranks), alone);
}

TEST_F(WindowBatchesTest, TellsWhatIsMissing) {
  EXPECT_THAT(error_of<DataError>([&] { make({.length = 25, .stride = 1}, WindowPart::kAll); }),
              HasSubstr("it takes at least 27"));
  EXPECT_THAT(error_of<DataError>([&] { make({.length = 2, .stride = 1}, WindowPart::kValidation); }),
              HasSubstr("`train-fraction`"));
}

}  // namespace
}  // namespace charrnn
