// Small files of other processes, and what may lie in their place.
#include "base/first_line.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

TEST(FirstLine, EndsWhereTheLineOrTheFileDoes) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "file";
  EXPECT_FALSE(first_line(file).has_value());
  EXPECT_FALSE(first_line(file / "in a file that is not there").has_value());
  std::ofstream(file) << "one\ntwo\n";
  EXPECT_EQ(first_line(file), "one");
  EXPECT_FALSE(first_line(file / "in a file").has_value());
  std::ofstream(file) << "no end";
  EXPECT_EQ(first_line(file), "no end");
  std::ofstream(file) << "";
  EXPECT_EQ(first_line(file), "");
  std::ofstream(file) << std::string(1'000'000, 'x');
  EXPECT_EQ(first_line(file)->size(), 4096);
}

TEST(FirstLine, NeverWaits) {
  const TemporaryFolder folder;
  const std::filesystem::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(first_line(pipe), "");
  EXPECT_THROW(first_line(folder.path()), WriteError);
}

}  // namespace
}  // namespace charrnn
