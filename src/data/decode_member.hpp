// A member of a text from bytes to characters.
#pragma once

#include <span>

#include "data/encoding_advice.hpp"
#include "data/text_source.hpp"
#include "data/utf8_decoder.hpp"

namespace charrnn {

/// Reads the member that `reader` is at to its end, and calls `take` with a decoder and one piece after the other. From the
/// first piece `mark_of` says how many bytes of a byte order mark are left out. DataError for what is not UTF-8, which
/// advises `bytes` if the command takes that option.
///
///     decode_member(reader, utf8_mark, takes_bytes, [&](Utf8Decoder& decoder, std::span<const unsigned char> piece) {
///       decoder.decode(piece, [&](auto ascii) { … }, [&](char32_t character) { … });
///     });
template <class MarkOf, class Take>
void decode_member(TextReader& reader, const MarkOf& mark_of, bool takes_bytes, const Take& take) {
  std::span<const unsigned char> piece = reader.read();
  check_start(reader.member(), piece, takes_bytes);
  const std::size_t mark = mark_of(piece);
  Utf8Decoder decoder(mark);
  try {
    for (piece = piece.subspan(mark); !piece.empty(); piece = reader.read()) take(decoder, piece);
    decoder.end();
  } catch (const BadUtf8& bad) {
    refuse_bad_utf8(bad, piece, reader, takes_bytes);
  }
}

}  // namespace charrnn
