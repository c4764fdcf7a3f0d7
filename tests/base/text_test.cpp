#include "base/text.hpp"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

TEST(Text, Commas) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(-123456), "-123,456");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

TEST(Text, Durations) {
  EXPECT_EQ(duration_text(7.4), "7 s");
  EXPECT_EQ(duration_text(185), "3:05");
  EXPECT_EQ(duration_text(7385), "2:03:05");
  EXPECT_EQ(duration_text(86'400 + 61), "1 d 0:01:01");
}

TEST(Text, Bytes) {
  EXPECT_EQ(bytes_text(67'108'864), "67 MB");
  EXPECT_EQ(bytes_text(57'660'000'000), "57.7 GB");
}

TEST(Text, OneLineCutsBetweenCharacters) {
  EXPECT_EQ(one_line("a\nb", 10), "a b");
  EXPECT_EQ(one_line("aé", 2), "a");
  EXPECT_EQ(one_line("aé", 3), "aé");
  EXPECT_EQ(one_line("a😀b", 4), "a");
}

}  // namespace
}  // namespace charrnn
