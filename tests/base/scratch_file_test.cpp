#include "base/scratch_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/error.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<std::byte> piece(std::size_t size, int first) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(first + static_cast<int>(i % 251));
  return bytes;
}

/// TMPDIR while it lives.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& path) {
    if (const char* old = std::getenv("TMPDIR")) before_ = old;
    ::setenv("TMPDIR", path.c_str(), 1);
  }
  ~TemporaryDirectory() {
    if (before_.empty()) {
      ::unsetenv("TMPDIR");
    } else {
      ::setenv("TMPDIR", before_.c_str(), 1);
    }
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

 private:
  std::string before_;
};

TEST(ScratchFile, SmallAndLargeAreReadBackAndLeaveNothing) {
  const TemporaryFolder folder;
  const TemporaryDirectory there(folder.path().string());
  for (const std::size_t pieces : {1U, 70U}) {
    ScratchFile file;
    for (std::size_t i = 0; i < pieces; ++i) file.append(piece(1 << 20, static_cast<int>(i)));
    ASSERT_EQ(file.size(), pieces << 20);
    const std::span<const std::byte> all = file.map();
    for (std::size_t i = 0; i < pieces; ++i) {
      const std::vector<std::byte> expected = piece(1 << 20, static_cast<int>(i));
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), all.begin() + static_cast<std::ptrdiff_t>(i << 20)));
    }
    file.release();
    EXPECT_EQ(all[0], std::byte{0});
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "it has no name";
  }
  ScratchFile empty;
  EXPECT_TRUE(empty.map().empty());
}

TEST(ScratchFile, AnotherProcessOpensIt) {
  for (const std::size_t size : {std::size_t{1000}, ScratchFile::kInMemory + 1000}) {
    ScratchFile file;
    file.append(piece(size, 7));
    const pid_t child = ::fork();
    if (child == 0) {
      auto same = ScratchFile::open(file.handle());  // of the child's own copy
      ::_exit(same && same->map().size() == size && same->map()[size - 1] == piece(size, 7)[size - 1] ? 0 : 1);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << size;
    auto found = ScratchFile::open(file.handle());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->map().size(), size);
  }
}

TEST(ScratchFile, AHandleOfSomethingElseIsNone) {
  ScratchFile file, other;
  file.append(piece(1000, 1));
  other.append(piece(1000, 1));
  const std::string handle = file.handle(), wrong = other.handle();
  EXPECT_FALSE(ScratchFile::open(handle.substr(0, handle.find(' ')) + wrong.substr(wrong.find(' '))));
  EXPECT_FALSE(ScratchFile::open("/proc/0/fd/3 10 1:2:3:4.5"));
  EXPECT_FALSE(ScratchFile::open(""));
}

TEST(ScratchFile, NoRoomIsAnErrorThatNamesTheFolder) {
  const TemporaryDirectory nowhere("/nowhere/at/all");
  ScratchFile file;
  EXPECT_THAT(error_of<DataError>([&] {
                for (int i = 0; i < 70; ++i) file.append(piece(1 << 20, i));
              }),
              AllOf(HasSubstr("/nowhere/at/all"), HasSubstr("No such file"), HasSubstr("set TMPDIR")));
}

}  // namespace
}  // namespace charrnn
