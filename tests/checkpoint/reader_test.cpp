// What is read of a checkpoint, and what is refused. hostile.py has the files that somebody made to do harm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/some_checkpoint.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Reader : public testing::Test {
 protected:
  /// What is read of `written`.
  Checkpoint read_back(const Checkpoint& written, Parts parts = Parts::kAll) {
    write_checkpoint(path_, written);
    check_digest(path_);
    return read_checkpoint(path_, parts, [](const Checkpoint&) { return some_layout(); });
  }
  std::string refusal_of(const Checkpoint& written) {
    return error_of<DamagedCheckpoint>([&] { read_back(written); });
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "step_7.h5";
};

TEST_F(Reader, GivesBackWhatWasWritten) {
  Checkpoint written = some_checkpoint();
  written.progress.best_step = 2;
  written.progress.validations_since_best = 3;
  written.progress.skipped_steps = 4;
  written.progress.skipped_in_a_row = 1;
  written.progress.validated_step = 5;
  const Checkpoint read = read_back(written);
  EXPECT_EQ(read.arch, "gru");
  EXPECT_EQ(read.step, 7);
  EXPECT_EQ(read.epoch, 2);
  EXPECT_EQ(read.created_utc, written.created_utc);
  EXPECT_EQ(read.config, written.config);
  ASSERT_TRUE(read.settings);
  EXPECT_EQ(read.settings->model.layers, 2);
  EXPECT_EQ(read.settings->model.dropout, 0.25);
  EXPECT_TRUE(read.settings->model.locked_dropout);
  EXPECT_EQ(read.settings->window, 8);
  EXPECT_EQ(read.settings->predict, "last");
  EXPECT_THAT(read.vocabulary.symbols, ElementsAre("<unk>", "<pad>", "ä", ""));
  EXPECT_EQ(read.vocabulary.min_freq, 3);
  EXPECT_TRUE(read.vocabulary.lowercase);
  ASSERT_EQ(read.model.size(), 2U);
  EXPECT_EQ(read.model[0].values, written.model[0].values);
  EXPECT_THAT(read.model[0].shape, ElementsAre(3, 100));
  ASSERT_EQ(read.optimizer.size(), 2U);
  EXPECT_EQ(read.optimizer[1].name, "exp_avg_sq");
  EXPECT_EQ(read.optimizer[1].tensors[0].values, written.model[0].values);
  EXPECT_TRUE(read.trained.empty());
  ASSERT_EQ(read.hidden.size(), 1U);
  EXPECT_THAT(read.hidden[0].shape, ElementsAre(1, 4, 8));
  EXPECT_EQ(read.data.row, 12);
  ASSERT_EQ(read.history.size(), 1U);
  EXPECT_EQ(read.history[0].train_loss, 2.5);
  EXPECT_TRUE(std::isnan(read.history[0].val_loss));
  EXPECT_EQ(read.progress.smoothed.sum, 3);
  EXPECT_TRUE(std::isinf(read.progress.best_val_loss));
  EXPECT_EQ(read.progress.best_step, 2);
  EXPECT_EQ(read.progress.validations_since_best, 3);
  EXPECT_EQ(read.progress.skipped_steps, 4);
  EXPECT_EQ(read.progress.skipped_in_a_row, 1);
  EXPECT_EQ(read.progress.validated_step, 5);
}

TEST_F(Reader, ReadsNoMoreThanTheParts) {
  const Checkpoint described = read_back(some_checkpoint(), Parts::kDescription);
  EXPECT_EQ(described.progress.loss_sum, 20);
  EXPECT_FALSE(described.config.empty());
  EXPECT_TRUE(described.model.empty());
  const Checkpoint model = read_back(some_checkpoint(), Parts::kModel);
  EXPECT_EQ(model.model.size(), 2U);
  EXPECT_TRUE(model.optimizer.empty());
  EXPECT_TRUE(model.hidden.empty());
  EXPECT_EQ(read_header(path_).step, 7);
}

TEST_F(Reader, TakesFilesWithoutSettings) {
  Checkpoint old = some_checkpoint();
  old.settings.reset();
  EXPECT_FALSE(read_back(old).settings);
}

TEST_F(Reader, TakesStatesWithoutColumnsAndNoHistory) {
  Checkpoint windowed = some_checkpoint();
  windowed.hidden = {{"h", {1, 0, 8}, {}}};
  windowed.history.clear();
  const Checkpoint read = read_back(windowed);
  EXPECT_THAT(read.hidden[0].shape, ElementsAre(1, 0, 8));
  EXPECT_TRUE(read.history.empty());
}

TEST_F(Reader, LeavesTensorsAloneThatTheModelHasNot) {
  Checkpoint more = some_checkpoint();
  more.model.push_back({"other", {2}, {1, 2}});
  EXPECT_EQ(read_back(more).model.size(), 2U);
}

TEST_F(Reader, SaysWhereAnotherModelDiffers) {
  Checkpoint other = some_checkpoint();
  other.model[0] = {"weight", {2, 150}, std::vector<float>(300)};
  EXPECT_THAT(error_of<DataError>([&] { read_back(other); }),
              AllOf(HasSubstr("step_7.h5"), HasSubstr("/model/weight is [2, 150], the model needs [3, 100]")));
  other.model.erase(other.model.begin());
  EXPECT_THAT(error_of<DataError>([&] { read_back(other); }), HasSubstr("no /model/weight"));
}

TEST_F(Reader, RefusesNumbersThatNoTrainingWrites) {
  const auto with = [](const auto& change) {
    Checkpoint checkpoint = some_checkpoint();
    change(checkpoint);
    return checkpoint;
  };
  EXPECT_THAT(refusal_of(with([](Checkpoint& c) { c.step = -1; })),
              AllOf(HasSubstr("step_7.h5"), HasSubstr("is damaged"), HasSubstr("/@step is -1")));
  EXPECT_THAT(refusal_of(with([](Checkpoint& c) { c.epoch = 8; })), HasSubstr("/@epoch"));
  EXPECT_THAT(refusal_of(with([](Checkpoint& c) { c.data.row = -5; })), HasSubstr("/data@row"));
  EXPECT_THAT(refusal_of(with([](Checkpoint& c) { c.progress.loss_sum = NAN; })), HasSubstr("/progress@loss_sum"));
  EXPECT_THAT(refusal_of(with([](Checkpoint& c) { c.history[0].train_loss = NAN; })), HasSubstr("/history"));
  EXPECT_THAT(refusal_of(with([](Checkpoint& c) { c.config = std::string(2 << 20, ' '); })), HasSubstr("/config"));
  EXPECT_THAT(refusal_of(with([](Checkpoint& c) { c.vocabulary.symbols = {std::string(20, 'a')}; })),
              HasSubstr("/vocabulary"));
  EXPECT_THAT(refusal_of(with([](Checkpoint& c) { c.processor = std::string(5000, 'a'); })), HasSubstr("/@processor"));
}

TEST_F(Reader, ChecksTheDigest) {
  EXPECT_THAT(error_of<DataError>([&] { check_digest(path_); }), HasSubstr("No such file"));
  EXPECT_THAT(error_of<DataError>([&] { check_digest(folder_.path()); }), HasSubstr("not a regular file"));
  write_checkpoint(path_, some_checkpoint());
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 1);
  EXPECT_THAT(error_of<DataError>([&] { check_digest(path_); }), AllOf(HasSubstr("step_7.h5"), HasSubstr("checksum")));
}

}  // namespace
}  // namespace charrnn
