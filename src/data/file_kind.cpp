#include "data/file_kind.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace charrnn {

namespace {

using namespace std::string_view_literals;

bool begins(std::span<const unsigned char> start, std::string_view magic) {
  return start.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), start.begin(),
                    [](char expected, unsigned char byte) { return static_cast<unsigned char>(expected) == byte; });
}

bool is_bzip2(std::span<const unsigned char> start) {
  constexpr std::size_t kSize = 4;  // "BZh" and the size of blocks; then a block begins, or the end
  return begins(start, "BZh"sv) && start.size() > kSize && start[3] >= '1' && start[3] <= '9' &&
         (begins(start.subspan(kSize), "1AY&SY"sv) || begins(start.subspan(kSize), "\x17\x72\x45\x38\x50\x90"sv));
}

}  // namespace

Packing packing_of(std::span<const unsigned char> start) {
  if (begins(start, "\x1f\x8b"sv)) return Packing::kGzip;
  if (begins(start, "\xfd\x37zXZ\0"sv)) return Packing::kXz;
  if (begins(start, "\x28\xb5\x2f\xfd"sv)) return Packing::kZstd;
  return is_bzip2(start) ? Packing::kBzip2 : Packing::kNone;
}

bool is_tar(std::span<const unsigned char> start) {
  // The one thing that the headers of all kinds of tar have: the sum of their bytes, in octal digits, at a fixed place.
  constexpr std::size_t kHeader = 512, kSum = 148, kDigits = 8;
  if (start.size() < kHeader) return false;
  std::int64_t sum = 0, expected = 0;
  for (std::size_t i = 0; i < kHeader; ++i) sum += i >= kSum && i < kSum + kDigits ? ' ' : start[i];
  bool has_digits = false;
  for (const unsigned char c : start.subspan(kSum, kDigits)) {
    if (c == ' ' && !has_digits) continue;
    if (c < '0' || c > '7') break;
    has_digits = true;
    expected = expected * 8 + (c - '0');
  }
  return has_digits && sum == expected;
}

bool is_zip(std::span<const unsigned char> start) {
  return begins(start, "PK\3\4"sv) || begins(start, "PK\5\6"sv);  // a file, or the end of an empty archive
}

const char* wide_encoding(std::span<const unsigned char> start) {
  if (begins(start, "\xff\xfe\0\0"sv) || begins(start, "\0\0\xfe\xff"sv)) return "UTF-32";
  if (begins(start, "\xff\xfe"sv) || begins(start, "\xfe\xff"sv)) return "UTF-16";
  start = start.first(std::min(start.size(), kStartBytes) / 4 * 4);
  const std::size_t places = start.size() / 4;
  std::array<std::size_t, 4> zeros{};  // at places that are 0, 1, 2, 3 modulo 4
  for (std::size_t i = 0; i < start.size(); ++i) zeros[i % 4] += start[i] == 0 ? 1 : 0;
  // Of four bytes the upper two are zero, but for a few characters the second; the lowest seldom is.
  const auto four = [&](std::size_t top, std::size_t second, std::size_t lowest) {
    return places >= 4 && zeros[top] == places && zeros[second] > places / 2 && zeros[lowest] < places / 8 + 1;
  };
  if (four(3, 2, 0)) return "UTF-32LE";
  if (four(0, 1, 3)) return "UTF-32BE";
  // Of two bytes the upper one is zero in ASCII characters, which every text has (spaces, line ends); the lower one
  // seldom is. Zeros of another origin do not keep to one side.
  const auto two = [&](std::size_t upper, std::size_t lower) {
    constexpr std::size_t kEnough = 8;
    return upper >= std::max(kEnough, places / 8) && lower <= upper / 8;
  };
  if (two(zeros[1] + zeros[3], zeros[0] + zeros[2])) return "UTF-16LE";
  if (two(zeros[0] + zeros[2], zeros[1] + zeros[3])) return "UTF-16BE";
  return nullptr;
}

std::size_t utf8_mark(std::span<const unsigned char> start) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return begins(start, kMark) ? kMark.size() : 0;
}

}  // namespace charrnn
