#include "report/metrics_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/file_size_limit.hpp"
#include "report/start.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;

class MetricsFileTest : public testing::Test {
 protected:
  /// An attempt that begins after `first` steps and reports each step up to `last`.
  void attempt(std::int64_t first, std::int64_t last) {
    MetricsFile file(path(), [&](const std::string& line) { warnings_.push_back(line); });
    file.rewind(first);
    start(file, first);
    for (std::int64_t step = first + 1; step <= last; ++step) file.on_step({.step = step, .loss = 1.5});
    file.on_end({.step = last, .code = ExitCode::kInterrupted, .best_val_loss = 2.5});
  }
  std::filesystem::path path() const { return folder_.path() / "metrics.jsonl"; }
  /// "event step" of each line.
  std::vector<std::string> lines() const {
    std::vector<std::string> found;
    std::ifstream file(path());
    for (std::string line; std::getline(file, line);) {
      const auto json = nlohmann::json::parse(line);
      EXPECT_GT(json.at("time").get<double>(), 1.7e9) << "seconds since 1970";
      found.push_back(json.at("event").get<std::string>() + " " + std::to_string(json.at("step").get<int>()));
    }
    return found;
  }

  TemporaryFolder folder_;
  std::vector<std::string> warnings_;
};

TEST_F(MetricsFileTest, AnAttemptIsFramedByItsEvents) {
  attempt(0, 3);
  EXPECT_THAT(lines(), ElementsAre("run 0", "step 1", "step 2", "step 3", "end 3"));
}

TEST_F(MetricsFileTest, AResumeForgetsLaterStepsAndATornLine) {
  attempt(0, 4);
  std::ofstream(path(), std::ios::app) << R"({"event":"step","st)";  // killed while it wrote
  attempt(2, 3);
  EXPECT_THAT(lines(), ElementsAre("run 0", "step 1", "step 2", "run 2", "step 3", "end 3"));
}

TEST_F(MetricsFileTest, LinesWaitUntilThereIsRoom) {
  MetricsFile file(path(), [&](const std::string& line) { warnings_.push_back(line); });
  file.rewind(0);
  start(file, 0);
  file.on_step({.step = 1, .loss = 1.5});
  {
    const FileSizeLimit limit(std::filesystem::file_size(path()) + 20);  // within the next line
    file.on_step({.step = 2, .loss = 1.5});
    EXPECT_THAT(lines(), ElementsAre("run 0", "step 1")) << "no part of a line";
    file.on_step({.step = 3, .loss = 1.5});
  }
  file.on_end({.step = 4, .code = ExitCode::kDone});
  EXPECT_THAT(lines(), ElementsAre("run 0", "step 1", "step 2", "step 3", "end 4"));
  EXPECT_THAT(warnings_, ElementsAre(testing::HasSubstr("metrics.jsonl")));
}

TEST_F(MetricsFileTest, SaysWhatIsLostAtTheEnd) {
  MetricsFile file(path(), [&](const std::string& line) { warnings_.push_back(line); });
  file.rewind(0);
  start(file, 0);
  const FileSizeLimit limit(std::filesystem::file_size(path()) + 20);
  file.on_step({.step = 1, .loss = 1.5});
  file.on_end({.step = 1, .code = ExitCode::kDone});
  EXPECT_THAT(lines(), ElementsAre("run 0"));
  EXPECT_THAT(warnings_, ElementsAre(testing::HasSubstr("wait"), testing::HasSubstr("are lost")));
}

TEST_F(MetricsFileTest, ANewRunForgetsAll) {
  attempt(0, 2);
  attempt(0, 1);
  EXPECT_THAT(lines(), ElementsAre("run 0", "step 1", "end 1"));
}

}  // namespace
}  // namespace charrnn
