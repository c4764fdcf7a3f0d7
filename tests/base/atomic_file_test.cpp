// Files that are replaced whole or not at all.
#include "base/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

TEST(AtomicFile, ReplacesTheWholeFile) {
  const TemporaryFolder folder;
  const fs::path path = folder.write("a.txt", "a longer text that was there before");
  replace_file(path, "new\n");
  EXPECT_EQ(contents(path), "new\n");
  EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("a.txt"));
}

TEST(AtomicFile, IsNotThereBeforeItsCommit) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "a.txt";
  AtomicFile file(path);
  file.write("one ");
  file.write("two");
  EXPECT_FALSE(fs::exists(path));
  ASSERT_EQ(names_in(folder.path()).size(), 1U);
  EXPECT_TRUE(is_temporary(names_in(folder.path())[0]));
  file.commit([&] { EXPECT_FALSE(fs::exists(path)); });
  EXPECT_EQ(contents(path), "one two");
  EXPECT_FALSE(is_temporary(path));
}

TEST(AtomicFile, ARefusalBeforeTheRenameLeavesWhatWasThere) {
  const TemporaryFolder folder;
  const fs::path path = folder.write("a.txt", "before");
  EXPECT_THROW(replace_file(path, "after", [] { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(contents(path), "before");
  EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("a.txt"));
}

TEST(AtomicFile, SaysWhichFileAndWhy) {
  const TemporaryFolder folder;
  const std::string error = error_of<WriteError>([&] { replace_file(folder.path() / "missing" / "a.txt", "text"); });
  EXPECT_THAT(error, HasSubstr("missing/a.txt"));
  EXPECT_THAT(error, HasSubstr("No such file or directory"));
  fs::create_directory(folder.path() / "taken");
  EXPECT_NE(error_of<WriteError>([&] { replace_file(folder.path() / "taken", "text"); }), "");
  EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("taken"));
}

TEST(AtomicFile, DoesNotFollowALinkInTheTemporaryFilesPlace) {
  const TemporaryFolder folder;
  const fs::path victim = folder.write("victim", "untouched");
  fs::create_symlink(victim, folder.path() / fmt::format(".a.txt.tmp-{}", ::getpid()));
  EXPECT_NE(error_of<WriteError>([&] { replace_file(folder.path() / "a.txt", "text"); }), "");
  EXPECT_EQ(contents(victim), "untouched");
}

TEST(ReplaceLink, TakesTheOldOnesPlace) {
  const TemporaryFolder folder;
  const fs::path link = folder.path() / "latest";
  replace_link(link, "one.h5");
  replace_link(link, "two.h5");
  EXPECT_EQ(fs::read_symlink(link), "two.h5");
  EXPECT_EQ(names_in(folder.path()).size(), 1U);
  EXPECT_THAT(error_of<WriteError>([&] { replace_link(folder.path() / "no" / "latest", "one.h5"); }),
              HasSubstr("no/latest"));
}

}  // namespace
}  // namespace charrnn
