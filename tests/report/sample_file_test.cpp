// samples.txt, as a run and its resume write it.
#include "report/sample_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "temporary_folder.hpp"

namespace charrnn {
namespace {

TEST(SampleFile, ForgetsWhatComesAgain) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "samples.txt";
  const auto text = [&] {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  SampleFile first(path);
  first.rewind(0);
  first.on_sample(10, "one\n--- step x");
  first.on_sample(20, "two");
  EXPECT_EQ(text(), "--- step 10\none\n--- step x\n--- step 20\ntwo\n");
  SampleFile(path).rewind(10);
  EXPECT_EQ(text(), "--- step 10\none\n--- step x\n");
  SampleFile(path).rewind(0);
  EXPECT_EQ(text(), "");
}

}  // namespace
}  // namespace charrnn
