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
    return store_.save(checkpoint, ends_cycle, is_best, [] {});
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_))
      found.push_back(entry.path().filename().string());
    std::ranges::sort(found);
    return found;
  }
  std::string newest() {
    const auto file = store_.newest_good([&](const std::string& line) { warnings_.push_back(line); });
    return file ? file->filename().string() : "";
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
  EXPECT_THAT(error_of<DataError>([&] { store_.adopt(parent_.path() / "missing.h5", 8); }),
              HasSubstr("missing.h5"));
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
  const auto ignore = [](const std::string&) {};
  EXPECT_EQ(resolve_checkpoint(folder_, ignore), file);
  EXPECT_EQ(resolve_checkpoint(parent_.path(), ignore), file);
  EXPECT_EQ(resolve_checkpoint(file, ignore), file);
  EXPECT_THAT(error_of<DataError>([&] { resolve_checkpoint(parent_.path() / "none", ignore); }),
              HasSubstr("there is no checkpoint"));
}

}  // namespace
}  // namespace charrnn
