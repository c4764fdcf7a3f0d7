// UTF-8 in and out.
#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace charrnn {
namespace {

TEST(WithoutControls, KeepsTextAndReplacesWhatATerminalWouldObey) {
  EXPECT_EQ(without_controls("ä 😀 plain"), "ä 😀 plain");
  EXPECT_EQ(without_controls("\x1b]0;t\x07"), "\uFFFD]0;t\uFFFD");
  EXPECT_EQ(without_controls("\u009b2J\x7f"), "\uFFFD2J\uFFFD");
  EXPECT_EQ(without_controls("a\nb\r"), "a\uFFFDb\uFFFD");
}

TEST(WithoutControls, GivesValidUtf8OfAnyBytes) {
  EXPECT_EQ(without_controls("\xff\xc3"), "\uFFFD\uFFFD");
  EXPECT_EQ(without_controls(std::string("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(without_controls(""), "");
}

}  // namespace
}  // namespace charrnn
