// Event files: bytes that Google's own code wrote (tensorboard.summary.writer), and what a training must survive.
#include "report/event_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "report/file_size_limit.hpp"
#include "report/start.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

TEST(EventRecord, IsWhatTensorBoardWrites) {
  EXPECT_EQ(hex(version_record(1.5)),
            "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c");
  EXPECT_EQ(hex(restart_record(1.5, 301)), "100000000000000095fbfe1809000000000000f83f10ad023a020801d17949d4");
  const Scalar scalars[] = {{"loss/train", 2.5}, {"learning_rate", 0.001}};
  EXPECT_EQ(
      hex(scalars_record(1.5, 7, scalars)),
      "36000000000000004f578cef09000000000000f83f10072a290a110a0a6c6f73732f747261696e15000020400a140a0d6c6561726e696e67"
      "5f72617465156f12833ab2a1b5ac");
  EXPECT_EQ(
      hex(text_record(1.5, 7, "sample", "é\n")),
      "300000000000000095f5d05f09000000000000f83f10072a230a210a0673616d706c65420d08071204120208014203c3a90a4a080a060a04"
      "74657874e1bcf5c5");
}

class EventFileTest : public testing::Test {
 protected:
  std::filesystem::path folder() const { return folder_.path() / "tensorboard"; }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found{std::filesystem::directory_iterator(folder()), {}};
    std::ranges::sort(found);
    return found;
  }
  static std::string content(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::unique_ptr<EventFile> begin(std::int64_t first) {
    auto file = std::make_unique<EventFile>(folder(), [&](const std::string& line) { warnings_.push_back(line); });
    start(*file, first);
    return file;
  }

  TemporaryFolder folder_;
  std::vector<std::string> warnings_;
};

TEST_F(EventFileTest, AttemptsHaveFilesInOrder) {
  const std::string future = "events.out.tfevents.9999999999.host.1";  // by a machine whose clock is wrong
  std::filesystem::create_directory(folder());
  std::ofstream(folder() / future) << "";
  begin(0);
  begin(5);
  ASSERT_EQ(files().size(), 3);
  EXPECT_THAT(files()[0].filename().string(), HasSubstr("10000000000."));
  EXPECT_THAT(files()[1].filename().string(), HasSubstr("10000000001."));
}

TEST_F(EventFileTest, AFullDiskIsAWarningAndRecordsStayWhole) {
  const auto file = begin(0);
  ASSERT_EQ(files().size(), 1);
  const std::string before = content(files()[0]);
  {
    const FileSizeLimit limit(before.size() + 10);
    file->on_step({.step = 1, .loss = 1.5});
    EXPECT_EQ(content(files()[0]), before);
  }
  file->on_end({.step = 1});
  EXPECT_GT(content(files()[0]).size(), before.size() + 100) << "what waited is there";
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("wait until there is room")));
}

TEST_F(EventFileTest, AFolderThatCannotBeMadeIsAWarning) {
  std::ofstream(folder()) << "a file";
  const auto file = begin(0);
  file->on_step({.step = 1, .loss = 1.5});
  file->on_sample(1, "text");
  file->on_end({.step = 1});
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("no event file for TensorBoard")));
}

TEST_F(EventFileTest, ANormalRunWarnsOfNothing) {
  begin(0)->on_end({.step = 0});
  EXPECT_THAT(warnings_, IsEmpty());
}

}  // namespace
}  // namespace charrnn
