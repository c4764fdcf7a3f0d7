#include "app/corpus_command.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "data/english_tables.hpp"
#include "data/synthetic_text.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

class CorpusCommand : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  /// What the command prints.
  static std::string run(std::vector<std::string> arguments) {
    CLI::App app;
    add_corpus_command(app);
    arguments.insert(arguments.begin(), "corpus");
    testing::internal::CaptureStdout();
    try {
      app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (...) {
      testing::internal::GetCapturedStdout();
      throw;
    }
    return testing::internal::GetCapturedStdout();
  }
  static std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const fs::path folder_ = fs::temp_directory_path() / ("charrnn_corpus_" + std::to_string(::getpid()));
  const std::string output_ = folder_ / "corpus.txt";
};

TEST_F(CorpusCommand, WritesTheTextInPlaceOfAnOldFileAndStatesTheLossOfEachPart) {
  std::ofstream(output_) << "old";
  const auto printed = nlohmann::json::parse(run(
      {"--output", output_, "--characters", "10007", "--seed", "9", "--train-fraction", "0.75", "--json"}));
  const SyntheticText source(english_tables());
  const std::string text = source.generate(9, 10'007);
  EXPECT_EQ(read(output_), text);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "a temporary file was left";
  EXPECT_EQ(printed["entropy_rate_nats"], source.entropy_rate());
  EXPECT_EQ(printed["train"]["characters"], 7'505);
  EXPECT_EQ(printed["train"]["source_loss_nats"], source.mean_loss(text, 0, 7'505));
  EXPECT_EQ(printed["validation"]["characters"], 2'502);
  EXPECT_EQ(printed["validation"]["source_loss_nats"], source.mean_loss(text, 7'505, 10'007));
  EXPECT_EQ(printed["validation"]["standard_error_nats"], source.standard_error(2'502));
}

TEST_F(CorpusCommand, PrintsATableWithNatsAndBits) {
  const std::string printed = run({"--output", output_, "--characters", "1000"});
  for (const char* part : {"entropy rate", "0.82136", "1.18497", "source, train", "source, validation"})
    EXPECT_NE(printed.find(part), std::string::npos) << part << " is missing in\n" << printed;
}

TEST_F(CorpusCommand, RefusesWhatItCannotDoAndLeavesNothingBehind) {
  EXPECT_THROW(run({"--output", output_, "--characters", "999"}), CLI::ValidationError);
  EXPECT_THROW(run({"--output", output_, "--train-fraction", "1"}), CLI::ValidationError);
  EXPECT_THROW(run({"--output", output_, "--seed", "-1"}), CLI::ValidationError);
  EXPECT_THROW(run({}), CLI::RequiredError);
  EXPECT_THROW(run({"--output", ""}), UsageError);
  EXPECT_THROW(run({"--output", folder_}), UsageError);
  EXPECT_THROW(run({"--output", folder_ / "missing" / "corpus.txt"}), UsageError);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace charrnn
