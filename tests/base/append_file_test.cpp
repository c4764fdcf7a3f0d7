// Files that grow by whole pieces. A full disk is in report/metrics_file_test.cpp.
#include "base/append_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/error.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(AppendFile, GoesOnAfterWhatWasThere) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "file";
  { EXPECT_TRUE(AppendFile(path).append("one\n")); }
  AppendFile file(path);
  EXPECT_TRUE(file.append("two\n"));
  EXPECT_TRUE(file.append(""));
  EXPECT_EQ(contents(path), "one\ntwo\n");
}

TEST(AppendFile, DoesNotWriteIntoTheFileThatTookItsPlace) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "file";
  AppendFile file(path);
  std::ofstream(folder.path() / "other") << "another attempt\n";
  std::filesystem::rename(folder.path() / "other", path);
  EXPECT_TRUE(file.append("from an attempt that was cut off\n"));
  EXPECT_EQ(contents(path), "another attempt\n");
}

TEST(AppendFile, NamesWhatCannotBeWritten) {
  const TemporaryFolder folder;
  try {
    AppendFile file(folder.path() / "none" / "file");
    FAIL() << "no error";
  } catch (const WriteError& error) {
    EXPECT_NE(std::string(error.what()).find("none/file"), std::string::npos) << error.what();
    EXPECT_EQ(error.code(), ExitCode::kData);
  }
}

TEST(WriteError, SaysWhetherItMayPass) {
  EXPECT_EQ(WriteError("full", ENOSPC).code(), ExitCode::kInterrupted);
  EXPECT_EQ(WriteError("forbidden", EACCES).code(), ExitCode::kData);
}

}  // namespace
}  // namespace charrnn
