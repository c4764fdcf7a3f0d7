#include "data/text_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/error.hpp"
#include "data/corpus.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class TextFilesTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_.path() / name).parent_path());
    folder_.write(name, text);
  }
  /// All of the text.
  std::string read(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(path(name));
    const std::unique_ptr<TextReader> reader = open_text(paths)->read(activity_);
    std::string all;
    members_.clear();
    while (reader->next_member()) {
      members_.push_back(reader->member().file_name);
      for (auto piece = reader->read(); !piece.empty(); piece = reader->read()) all.append(piece.begin(), piece.end());
    }
    EXPECT_EQ(reader->position(), reader->size());
    left_out_ = reader->left_out().text();
    return all;
  }
  std::string refusal(const std::vector<std::string>& names) {
    return error_of<DataError>([&] { read(names); });
  }

  TemporaryFolder folder_;
  Activity activity_;
  std::vector<std::string> members_;
  std::string left_out_;
};

TEST_F(TextFilesTest, AFileIsItsBytes) {
  const std::string text = std::string("a\0\xff", 3) + std::string(3 << 20, 'x');
  write("a.txt", text);
  EXPECT_EQ(read({"a.txt"}), text);
  EXPECT_EQ(left_out_, "");
}

TEST_F(TextFilesTest, SeveralFilesInTheOrderGiven) {
  write("b", "B");
  write("a", "A");
  EXPECT_EQ(read({"b", "a", "b"}), "BAB");
}

TEST_F(TextFilesTest, AFolderInTheByteOrderOfItsPaths) {
  for (const char* name : {"t/b/z", "t/b.txt", "t/a", "t/B", "t/é", "t/b/a/deep", "t/empty"}) {
    write(name, name == std::string("t/empty") ? "" : std::string(name) + "\n");
  }
  EXPECT_EQ(read({"t"}), "t/B\nt/a\nt/b.txt\nt/b/a/deep\nt/b/z\nt/é\n");
  EXPECT_THAT(members_, ElementsAre("B", "a", "b.txt", "deep", "z", "empty", "é"));
}

TEST_F(TextFilesTest, WhatIsNoRegularFileOrHiddenIsLeftOutOfAFolder) {
  write("t/a", "A");
  write("t/.hidden", "H");
  write("t/.git/config", "G");
  write("elsewhere", "E");
  fs::create_symlink(path("elsewhere"), path("t/link"));
  fs::create_directory_symlink("..", path("t/loop"));  // which never ends for those that follow it
  ASSERT_EQ(::mkfifo(path("t/pipe").c_str(), 0600), 0);
  EXPECT_EQ(read({"t"}), "A");
  EXPECT_EQ(left_out_, "2 hidden files, 2 links, 1 device or pipe");
  EXPECT_EQ(read({"t/link"}), "E") << "a link that is given itself";
  EXPECT_EQ(read({"t/.hidden", "t/.git"}), "HG") << "and what is given itself is not hidden";
}

TEST_F(TextFilesTest, WhatCannotBeRead) {
  EXPECT_THAT(refusal({"missing"}), AllOf(HasSubstr("/missing'"), HasSubstr("No such file")));
  fs::create_directory(path("empty"));
  EXPECT_THAT(refusal({"empty"}), HasSubstr("there is no file in the folder"));
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);  // which nobody writes to
  EXPECT_THAT(refusal({"pipe"}), HasSubstr("is not a regular file"));
}

TEST_F(TextFilesTest, AFileThatShrinksWhileItIsRead) {
  write("a", std::string(4 << 20, 'a'));
  const std::unique_ptr<TextReader> reader = open_text({path("a")})->read(activity_);
  ASSERT_TRUE(reader->next_member());
  ASSERT_FALSE(reader->read().empty());
  fs::resize_file(path("a"), 1000);
  EXPECT_THAT(error_of<DataError>([&] { reader->read(); }),
              AllOf(HasSubstr(path("a")), HasSubstr("became shorter than its 4,194,304 bytes")));
}

TEST_F(TextFilesTest, AFileThatGrowsIsReadAsItWas) {
  write("a", "first");
  const std::unique_ptr<TextReader> reader = open_text({path("a")})->read(activity_);
  ASSERT_TRUE(reader->next_member());
  write("a", "first and more");
  EXPECT_EQ(reader->read().size(), 5U);
  EXPECT_TRUE(reader->read().empty());
}

TEST_F(TextFilesTest, EveryMemberMayHaveAByteOrderMark) {
  write("a",
        "\xef\xbb\xbf"
        "one");
  write("b",
        "\xef\xbb\xbf"
        "two");
  EXPECT_EQ(
      scan_corpus(*open_text({path("a"), path("b")}), {.vocabulary = {.full = true}}, activity_).summary.characters, 6);
}

TEST_F(TextFilesTest, AMemberEndsWithAWholeCharacter) {
  write("a", "a\xc3");
  write("b", "\xa9");
  const std::string error = error_of<DataError>([&] {
    scan_corpus(*open_text({path("a"), path("b")}), {}, activity_);
  });
  EXPECT_THAT(error, AllOf(HasSubstr("/a' is not valid UTF-8 at byte 1"), HasSubstr("0xc3")));
}

}  // namespace
}  // namespace charrnn
