#include "base/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace charrnn {

DecodedCharacter decode_utf8(std::span<const unsigned char> text) {
  if (text[0] < 0x80) return {text[0], 1};
  utf8proc_int32_t code_point = -1;
  // No character is longer than four bytes; a bound keeps utf8proc's signed length far from overflow.
  const auto length = static_cast<utf8proc_ssize_t>(std::min<std::size_t>(text.size(), 4));
  const utf8proc_ssize_t used = utf8proc_iterate(text.data(), length, &code_point);
  if (used <= 0) return {0, 0};
  return {static_cast<char32_t>(code_point), static_cast<int>(used)};
}

void append_utf8(std::string& text, char32_t code_point) {
  std::array<utf8proc_uint8_t, 4> buffer{};
  const utf8proc_ssize_t used = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), buffer.data());
  text.append(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(used));
}

char32_t to_lower(char32_t code_point) {
  if (code_point < 0x80) return code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point;
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point)));
}

std::vector<char32_t> decode_text(std::string_view text, std::string_view what) {
  std::vector<char32_t> characters;
  const std::span bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const DecodedCharacter next = decode_utf8(bytes.subspan(at));
    require<UsageError>(next.bytes > 0, "{} is not valid UTF-8 at byte {}", what, at);
    characters.push_back(next.code_point);
    at += static_cast<std::size_t>(next.bytes);
  }
  return characters;
}

std::string printable(char32_t code_point) {
  if (code_point == '\n') return "'\\n'";
  if (code_point == '\t') return "'\\t'";
  if (code_point == '\r') return "'\\r'";
  if (code_point < 0x20 || code_point == 0x7f) return fmt::format("U+{:04X}", static_cast<std::uint32_t>(code_point));
  std::string text;
  append_utf8(text, code_point);
  if (code_point < 0x80) return fmt::format("'{}'", text);
  return fmt::format("U+{:04X} '{}'", static_cast<std::uint32_t>(code_point), text);
}

bool is_utf8(std::string_view text) {
  const std::span bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const auto [code_point, used] = decode_utf8(bytes.subspan(at));
    if (used == 0) return false;
    at += static_cast<std::size_t>(used);
  }
  return true;
}

std::size_t columns_of(char32_t code_point) {
  return static_cast<std::size_t>(std::max(utf8proc_charwidth(static_cast<utf8proc_int32_t>(code_point)), 0));
}

bool is_control(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

std::string without_controls(std::string_view text) {
  std::string clean;
  const std::span bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const auto [code_point, used] = decode_utf8(bytes.subspan(at));
    append_utf8(clean, used == 0 || is_control(code_point) ? U'\uFFFD' : code_point);
    at += static_cast<std::size_t>(std::max(used, 1));
  }
  return clean;
}

}  // namespace charrnn
