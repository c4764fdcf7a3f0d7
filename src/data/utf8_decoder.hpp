// UTF-8 in pieces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/utf8.hpp"

namespace charrnn {

/// Where a member of a text is not UTF-8.
struct BadUtf8 {
  std::int64_t byte = 0, character = 0;  ///< counted from the member's beginning
  unsigned value = 0;                    ///< of the byte
  std::int64_t wide = 0;                 ///< good characters beyond ASCII before it
  std::size_t at = 0;                    ///< where the piece goes on to be bad; 0 if that began in an earlier one
};

/// Decodes a member of a text, which comes in pieces that may cut characters. Throws BadUtf8.
///
///     Utf8Decoder decoder(0);
///     decoder.decode(piece, [&](auto ascii) { … }, [&](char32_t character) { … });   // for each piece
///     decoder.end();
class Utf8Decoder {
 public:
  /// `skipped`: bytes of the member that come before those to decode.
  explicit Utf8Decoder(std::size_t skipped) : bytes_(static_cast<std::int64_t>(skipped)) {}

  /// Calls on_ascii with stretches of bytes below 0x80, and on_character with every other character, in order.
  template <class OnAscii, class OnCharacter>
  void decode(std::span<const unsigned char> piece, const OnAscii& on_ascii, const OnCharacter& on_character) {
    std::size_t at = 0;
    while (at < piece.size()) {
      if (cut_size_ > 0) {
        cut_[cut_size_++] = piece[at++];
        if (cut_size_ == length_of(cut_[0])) on_character(take(std::span(cut_).first(std::exchange(cut_size_, 0)), 0));
        continue;
      }
      if (const std::size_t ascii = ascii_length(piece.subspan(at)); ascii > 0) {
        on_ascii(piece.subspan(at, ascii));
        at += ascii;
        bytes_ += static_cast<std::int64_t>(ascii);
        characters_ += static_cast<std::int64_t>(ascii);
        continue;
      }
      const std::size_t length = length_of(piece[at]);
      if (length > piece.size() - at) {
        cut_[cut_size_++] = piece[at++];
        continue;
      }
      on_character(take(piece.subspan(at, length), at));
      at += length;
    }
  }
  /// At the member's end.
  void end() const {
    if (cut_size_ > 0) fail(cut_[0], 0);
  }

 private:
  /// Bytes below 0x80 at the start.
  static std::size_t ascii_length(std::span<const unsigned char> bytes);
  /// Of a character, by its first byte; 1 for a byte that begins none.
  static std::size_t length_of(unsigned char first) {
    return first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  }
  char32_t take(std::span<const unsigned char> bytes, std::size_t at) {
    const DecodedCharacter decoded = decode_utf8(bytes);
    if (decoded.bytes != static_cast<int>(bytes.size())) fail(bytes[0], at);
    bytes_ += decoded.bytes;
    ++characters_;
    ++wide_;
    return decoded.code_point;
  }
  [[noreturn]] void fail(unsigned char byte, std::size_t at) const {
    throw BadUtf8{.byte = bytes_, .character = characters_, .value = byte, .wide = wide_, .at = at};
  }

  std::int64_t bytes_, characters_ = 0, wide_ = 0;
  std::array<unsigned char, 4> cut_{};  ///< the beginning of a character that goes on in the next piece
  std::size_t cut_size_ = 0;
};

}  // namespace charrnn
