// UTF-8 in and out (decoding and case mapping by utf8proc).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace charrnn {

/// One decoded character.
struct DecodedCharacter {
  char32_t code_point;
  int bytes;  ///< how many bytes it took; 0 if the bytes are not valid UTF-8
};

/// Decodes the character at the start of `text` (not empty).
DecodedCharacter decode_utf8(std::span<const unsigned char> text);

/// Appends one character to `text`.
void append_utf8(std::string& text, char32_t code_point);

/// Unicode's simple lowercase mapping: always one character for one.
char32_t to_lower(char32_t code_point);

/// All characters of `text`; UsageError naming `what` and the byte position if it is not valid UTF-8.
std::vector<char32_t> decode_text(std::string_view text, std::string_view what);

/// A character as a person can read it in a message: 'a', '\n', U+00E9 'é'.
std::string printable(char32_t code_point);

bool is_utf8(std::string_view text);

/// Of a terminal that a character takes: 0 of one that combines with the last, 2 of a Chinese one.
std::size_t columns_of(char32_t code_point);

/// Whether it may act on a terminal: U+0000 … U+001F and U+007F … U+009F.
bool is_control(char32_t code_point);

/// Text of unknown origin as valid UTF-8 without control characters: U+FFFD stands for each of them, and for what is not
/// UTF-8. So no file can send commands to a terminal.
std::string without_controls(std::string_view text);

}  // namespace charrnn
