#include "data/file_kind.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace charrnn {
namespace {

std::span<const unsigned char> bytes(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

std::string encoding(std::string_view text) {
  const char* const found = wide_encoding(bytes(text));
  return found != nullptr ? found : "";
}

/// `text`, ASCII, with `width` bytes a character.
std::string widened(std::string_view text, std::size_t width, bool little) {
  std::string wide;
  for (const char c : text) {
    std::string one(width, '\0');
    one[little ? 0 : width - 1] = c;
    wide += one;
  }
  return wide;
}

TEST(FileKind, WideTextsAreTold) {
  const std::string text = "It was a dark and stormy night.\n";
  EXPECT_EQ(encoding(widened(text, 2, true)), "UTF-16LE");
  EXPECT_EQ(encoding(widened(text, 2, false)), "UTF-16BE");
  EXPECT_EQ(encoding(widened(text, 4, true)), "UTF-32LE");
  EXPECT_EQ(encoding(widened(text, 4, false)), "UTF-32BE");
  EXPECT_EQ(encoding("\xff\xfe" + widened(text, 2, true)), "UTF-16");
  EXPECT_EQ(encoding("\xfe\xff" + widened(text, 2, false)), "UTF-16");
  EXPECT_EQ(encoding(std::string("\xff\xfe\0\0", 4) + widened(text, 4, true)), "UTF-32");
  // Cyrillic: only spaces have a zero, and all bytes could be ASCII.
  std::string cyrillic;
  for (int i = 0; i < 400; ++i) cyrillic += i % 6 == 0 ? std::string(" \0", 2) : std::string("\x30\x04", 2);
  EXPECT_EQ(encoding(cyrillic), "UTF-16LE");
}

TEST(FileKind, TextsWithZerosAreNotWide) {
  EXPECT_EQ(encoding("plain text, nothing else in it"), "");
  EXPECT_EQ(encoding(std::string(4096, '\0')), "");
  std::string records;  // fields that end with a zero
  for (int i = 0; i < 300; ++i) records += std::string(static_cast<std::size_t>(i % 5 + 1), 'x') + '\0';
  EXPECT_EQ(encoding(records), "");
  EXPECT_EQ(encoding(std::string("a\0b\0", 4)), "") << "too short to tell";
  EXPECT_EQ(encoding(""), "");
}

TEST(FileKind, PackedFilesByTheirFirstBytes) {
  EXPECT_EQ(packing_of(bytes("\x1f\x8b\x08")), Packing::kGzip);
  EXPECT_EQ(packing_of(bytes("BZh91AY&SY")), Packing::kBzip2);
  EXPECT_EQ(packing_of(bytes("BZh9 is how this text begins")), Packing::kNone);
  EXPECT_EQ(packing_of(bytes("")), Packing::kNone);
  EXPECT_FALSE(is_tar(bytes(std::string(1024, '\0'))));
  EXPECT_FALSE(is_tar(bytes(std::string(1024, '7'))));
}

}  // namespace
}  // namespace charrnn
