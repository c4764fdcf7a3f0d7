// What is wrong with a member that is no UTF-8 text, and a command that mends it. The option `bytes` is advised only to
// commands that take it.
#pragma once

#include <span>

#include "data/text_source.hpp"
#include "data/utf8_decoder.hpp"

namespace charrnn {

/// DataError for a member whose first bytes are those of a packed file, an archive, or of UTF-16 or UTF-32.
void check_start(const Member& member, std::span<const unsigned char> start, bool takes_bytes);

/// Throws the DataError for a member that turned out not to be UTF-8. Reads it to its end, unless it is a stream, to tell
/// what it is instead; `piece` is the one with the bad byte.
[[noreturn]] void refuse_bad_utf8(const BadUtf8& bad, std::span<const unsigned char> piece, TextReader& reader,
                                  bool takes_bytes);

}  // namespace charrnn
