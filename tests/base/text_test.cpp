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

TEST(Text, OneLineCountsTheColumnsOfATerminal) {
  EXPECT_EQ(one_line("a\nb", 10), "a b");
  EXPECT_EQ(one_line("aéb", 2), "aé");
  EXPECT_EQ(one_line("Все счастливые", 3), "Все");
  EXPECT_EQ(one_line("a\u4e2db", 2), "a");
  EXPECT_EQ(one_line("a\u4e2db", 3), "a\u4e2d");
  EXPECT_EQ(one_line("e\u0301b", 1), "e\u0301");
  EXPECT_EQ(one_line("a\xff\x7f\x1b", 4), "a\ufffd\ufffd ");
}

TEST(Text, Percents) {
  EXPECT_EQ(percent_text(0), "0.0 %");
  EXPECT_EQ(percent_text(0.23749), "23.7 %");
  EXPECT_EQ(percent_text(0.01), "1.0 %");
  EXPECT_EQ(percent_text(0.00123), "0.12 %");
  EXPECT_EQ(percent_text(0.000123), "0.012 %");
  EXPECT_EQ(percent_text(1e-9), "under 0.001 %");
}

TEST(Text, ForShell) {
  EXPECT_EQ(for_shell("a/b-c.txt"), "a/b-c.txt");
  EXPECT_EQ(for_shell(""), "''");
  EXPECT_EQ(for_shell("it's é"), "'it'\\''s é'");
  EXPECT_EQ(for_shell("a\x1b'\\\xff"), "$'a\\033\\047\\134\\377'");
}

}  // namespace
}  // namespace charrnn
