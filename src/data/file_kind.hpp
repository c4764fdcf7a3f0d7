// What is in a file, told from its first bytes.
#pragma once

#include <cstddef>
#include <span>

namespace charrnn {

/// What the functions below want to see, or all there is.
inline constexpr std::size_t kStartBytes = 4096;

enum class Packing { kNone, kGzip, kBzip2, kXz, kZstd };

/// How one stream of bytes is packed.
Packing packing_of(std::span<const unsigned char> start);

bool is_tar(std::span<const unsigned char> start);
bool is_zip(std::span<const unsigned char> start);

/// The name that iconv has for a text of two or four bytes a character: "UTF-16" or "UTF-32" where a byte order mark
/// says it; with "LE" or "BE" where there is none, but zeros stand where only ASCII characters of such a text have
/// them. Null: it is no such text.
const char* wide_encoding(std::span<const unsigned char> start);

/// Bytes of the byte order mark that a UTF-8 text begins with: 3, or 0 without one.
std::size_t utf8_mark(std::span<const unsigned char> start);

}  // namespace charrnn
