// A file system that takes no more, at every possible moment of a save.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/some_checkpoint.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

/// A file system of so many bytes, in a name space of this process.
bool mount_small(const std::filesystem::path& folder, std::size_t bytes) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return ::mount("none", folder.c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) == 0;
}

TEST(FullDisk, LeavesNoFileThatLooksGood) {
  const TemporaryFolder folder;
  const std::filesystem::path disk = folder.path() / "disk", path = disk / "step_7.h5";
  std::filesystem::create_directory(disk);
  const Checkpoint checkpoint = some_checkpoint(7, 3000);
  write_checkpoint(path, checkpoint);
  const std::size_t size = std::filesystem::file_size(path);
  constexpr std::size_t kPage = 4096;
  const std::size_t room = (size / kPage + 2) * kPage;
  if (!mount_small(disk, room)) GTEST_SKIP() << "no right to mount a file system here";
  int refused = 0;
  for (std::size_t free = 0; free + kPage < size; free += free + 40 * kPage < size ? 20 * kPage : kPage) {
    std::ofstream(disk / "filler") << std::string(room - free, 'x');
    const std::string error = error_of<WriteError>([&] { write_checkpoint(path, checkpoint); });
    EXPECT_NE(error.find("No space left"), std::string::npos) << free << " of " << size << ": '" << error << "'";
    EXPECT_NE(error.find("step_7.h5"), std::string::npos) << error;
    std::filesystem::remove(disk / "filler");
    EXPECT_TRUE(std::filesystem::is_empty(disk)) << free << " of " << size;
    std::filesystem::remove(path);
    ++refused;
  }
  EXPECT_GT(refused, 50);
  write_checkpoint(path, checkpoint);
  check_digest(path);
  ::umount(disk.c_str());
}

}  // namespace
}  // namespace charrnn
