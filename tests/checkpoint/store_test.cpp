// The checkpoints folder of a run.
#include "checkpoint/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "checkpoint/some_checkpoint.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Store : public testing::Test {
 protected:
  fs::path save(std::int64_t step, bool ends_cycle = false, bool is_best = false, std::int64_t cycle = 0) {
    Checkpoint checkpoint = some_checkpoint(step);
    checkpoint.cycle = cycle;
    checkpoint.progress.best_val_loss = 2.33118;
    return store_.save(checkpoint, ends_cycle, is_best, [] {});
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path().filename().string());
    std::ranges::sort(found);
    return found;
  }
  std::string newest() {
    const auto file = store_.newest_good([&](const std::string& line) { warnings_.push_back(line); });
    return file ? file->filename().string() : "";
  }
  FoundCheckpoint resolve(const fs::path& path, Pick pick) {
    return resolve_checkpoint(path, pick, [&](const std::string& line) { warnings_.push_back(line); });
  }
  static void damage(const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(fs::file_size(file)) - 1);
    stream.put('!');
  }

  TemporaryFolder parent_;
  fs::path folder_ = parent_.path() / "checkpoints";
  CheckpointStore store_{folder_};
  std::vector<std::string> warnings_;
};

TEST_F(Store, KeepsCyclesAndTheNewestTwoSteps) {
  for (const std::int64_t step : {2, 4, 6}) save(step, false, step == 2);
  save(8, true);
  save(9);
  EXPECT_THAT(names(), ElementsAre("best", "cycle_0.h5", "latest", "step_2.h5", "step_6.h5", "step_9.h5"));
  EXPECT_EQ(fs::read_symlink(folder_ / "latest"), "step_9.h5");
  EXPECT_EQ(fs::read_symlink(folder_ / "best"), "step_2.h5");
}

TEST_F(Store, TheNewestIsByStepNotByName) {
  save(100, true, false, 2);
  save(20, true, false, 1);
  save(9);
  EXPECT_EQ(newest(), "cycle_2.h5");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Store, PassesDamagedOnesOverAndNamesThem) {
  EXPECT_EQ(newest(), "");
  save(2);
  damage(save(4));
  EXPECT_EQ(newest(), "step_2.h5");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("step_4.h5")));
  fs::resize_file(folder_ / "step_2.h5", 300);
  warnings_.clear();
  EXPECT_EQ(newest(), "");
  EXPECT_EQ(warnings_.size(), 2U);
}

/// Reading such a file to its end would take hours.
TEST_F(Store, ReadsNoMoreThanTheHeadersOfOlderFiles) {
  constexpr std::uintmax_t kEndless = std::uintmax_t{1} << 42;
  const fs::path older = save(2, true, false, 0);
  save(4, true, false, 1);
  std::error_code error;
  fs::resize_file(older, kEndless, error);
  if (error) GTEST_SKIP() << "no files of that size here: " << error.message();
  EXPECT_EQ(newest(), "cycle_1.h5");
  EXPECT_TRUE(store_.set_aside_after(3));
  EXPECT_THAT(names(), ElementsAre("abandoned_1", "cycle_0.h5"));
}

TEST_F(Store, ALongerCycleKeepsItsEarlierEnd) {
  save(10, true, true);
  save(20, true);
  EXPECT_THAT(names(), ElementsAre("best", "cycle_0.h5", "latest", "step_10.h5"));
  EXPECT_EQ(read_header(folder_ / "step_10.h5").step, 10);
  EXPECT_EQ(fs::read_symlink(folder_ / "best"), "step_10.h5");
}

TEST_F(Store, AdoptsAnotherRunsFileWhole) {
  const fs::path other = parent_.path() / "other.h5";
  write_checkpoint(other, some_checkpoint(7, 20'000));  // 24 MB: many pieces
  store_.adopt(other, 7);
  EXPECT_THAT(names(), ElementsAre("latest", "step_7.h5"));
  EXPECT_EQ(fs::file_size(folder_ / "step_7.h5"), fs::file_size(other));
  EXPECT_EQ(newest(), "step_7.h5");
  EXPECT_THAT(error_of<DataError>([&] { store_.adopt(parent_.path() / "missing.h5", 8); }), HasSubstr("missing.h5"));
  EXPECT_THAT(names(), ElementsAre("latest", "step_7.h5"));
}

TEST_F(Store, SweepsWhatAKilledRunLeft) {
  save(2);
  std::ofstream(folder_ / ".step_4.h5.tmp-123") << "half";
  store_.sweep();
  EXPECT_THAT(names(), ElementsAre("latest", "step_2.h5"));
}

TEST_F(Store, ARefusedSaveLeavesNothing) {
  EXPECT_THROW(store_.save(some_checkpoint(2), false, true, [] { throw DataError("not ours"); }), DataError);
  EXPECT_TRUE(names().empty());
}

TEST_F(Store, AFolderStandsForItsNewest) {
  const fs::path file = save(2);
  for (const fs::path& folder : {folder_, parent_.path()}) {
    const FoundCheckpoint found = resolve(folder, Pick::kNewest);
    EXPECT_EQ(found.file, file);
    EXPECT_EQ(found.why, "newest, step 2");
  }
  EXPECT_EQ(resolve(file, Pick::kNewest).file, file);
  EXPECT_EQ(resolve(file, Pick::kBest).why, "");
  EXPECT_TRUE(warnings_.empty());
  for (const Pick pick : {Pick::kNewest, Pick::kBest}) {
    EXPECT_THAT(error_of<DataError>([&] { resolve(parent_.path() / "none", pick); }),
                HasSubstr("there is no checkpoint"));
    fs::create_directory(parent_.path() / "empty");
    EXPECT_THAT(error_of<DataError>([&] { resolve(parent_.path() / "empty", pick); }), HasSubstr("no good checkpoint"));
  }
}

TEST_F(Store, ToUseItAFolderStandsForItsBest) {
  const fs::path best = save(1050, false, true);
  save(2000);
  const FoundCheckpoint found = resolve(folder_, Pick::kBest);
  EXPECT_EQ(found.file, best);
  EXPECT_EQ(found.why, "best, validation 2.3312 at step 1,050");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Store, WithoutAGoodBestItIsTheNewest) {
  const fs::path newest = save(20);
  EXPECT_EQ(resolve(folder_, Pick::kBest).file, newest);
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("no best checkpoint")));
  warnings_.clear();
  damage(save(10, true, true));
  const FoundCheckpoint found = resolve(folder_, Pick::kBest);
  EXPECT_EQ(found.file, newest);
  EXPECT_EQ(found.why, "newest, step 20");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("cycle_0.h5")));
  warnings_.clear();
  fs::remove(folder_ / "cycle_0.h5");
  EXPECT_EQ(resolve(folder_, Pick::kBest).file, newest);
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("cycle_0.h5")));
}

TEST_F(Store, FindsTheBestInACopyWithoutLinks) {
  save(2, false, true);
  save(4);
  const fs::path copy = parent_.path() / "copy" / "checkpoints";
  fs::create_directories(copy.parent_path());
  fs::copy(folder_, copy);  // follows links
  const FoundCheckpoint found = resolve(copy.parent_path(), Pick::kBest);
  EXPECT_EQ(found.file, copy / "best");
  EXPECT_EQ(read_header(found.file).step, 2);
}

TEST_F(Store, NeverLooksForTheBestInAnotherFolder) {
  save(2);
  write_checkpoint(parent_.path() / "step_1.h5", some_checkpoint(1));
  fs::create_symlink("../step_1.h5", folder_ / "best");
  EXPECT_EQ(resolve(folder_, Pick::kBest).file, folder_ / "step_2.h5");
}

TEST_F(Store, TheBestStaysUntilItIsSurpassed) {
  save(3, false, true);
  for (const std::int64_t cycle : {1, 2, 3}) {
    for (const std::int64_t step : {1, 2, 3}) save(10 * cycle + step);
    save(10 * cycle + 4, true, false, cycle);
  }
  EXPECT_EQ(resolve(folder_, Pick::kBest).file, folder_ / "step_3.h5");
  save(50, false, true);
  EXPECT_EQ(resolve(folder_, Pick::kBest).file, folder_ / "step_50.h5");
  save(51);
  EXPECT_FALSE(fs::exists(folder_ / "step_3.h5"));
}

TEST_F(Store, GoingBackToAnEarlierStepGoesBackToItsBest) {
  save(10, true, true, 0);
  save(20, true, false, 1);
  save(30, false, true);
  store_.set_aside_after(20);
  EXPECT_FALSE(fs::is_symlink(folder_ / "best"));
  store_.restore_best(10);
  EXPECT_EQ(fs::read_symlink(folder_ / "best"), "cycle_0.h5");
  store_.restore_best(15);  // is not here any more
  store_.restore_best(0);   // a file of an older version does not know it
  EXPECT_EQ(fs::read_symlink(folder_ / "best"), "cycle_0.h5");
}

}  // namespace
}  // namespace charrnn
