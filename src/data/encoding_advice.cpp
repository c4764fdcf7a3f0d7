#include "data/encoding_advice.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "data/file_kind.hpp"

namespace charrnn {

namespace {

/// A shell command that sends the member through `filter` into a new file in this folder.
std::string command(const Member& member, const std::string& filter, const std::string& output) {
  const std::string path = member.path.starts_with('-') ? "./" + member.path : member.path;
  const std::string to = output.starts_with('-') ? "./" + output : output;
  if (path.empty()) return fmt::format("{}{} > {}", member.unpack, filter.empty() ? "" : " | " + filter, for_shell(to));
  return fmt::format("{} {} > {}", filter, for_shell(path), for_shell(to));
}

/// "; convert it: iconv …", where there is something that a command could read.
std::string conversion(const Member& member, const std::string& options, const char* from) {
  if (member.path.empty() && member.unpack.empty()) return "";
  const std::filesystem::path name(member.file_name);
  const std::string output = name.stem().string() + ".utf8" + name.extension().string();
  return fmt::format("; convert it: {}", command(member, fmt::format("iconv {}-f {} -t UTF-8", options, from), output));
}

/// What a member consists of from its first bad byte on.
struct Rest {
  std::int64_t all = 0, high = 0;      ///< bytes, and those from 0x80 up
  std::int64_t good = 0, bad = 0;      ///< characters beyond ASCII in UTF-8, and bytes that are not
  bool has_controls = false;           ///< no text has them
  bool has_undefined_windows = false;  ///< bytes that stand for nothing in Windows-1252

  void add(std::span<const unsigned char> bytes) {
    constexpr std::string_view kUndefined = "\x81\x8d\x8f\x90\x9d", kUsual = "\t\n\v\f\r\x1a\x1b";
    for (const unsigned char byte : bytes) {
      ++all;
      high += byte >= 0x80 ? 1 : 0;
      has_controls |= byte < ' ' && kUsual.find(static_cast<char>(byte)) == std::string_view::npos;
      has_undefined_windows |= kUndefined.find(static_cast<char>(byte)) != std::string_view::npos;
    }
    for (std::size_t at = 0; at < bytes.size();) {
      const int length = bytes[at] < 0x80 ? 1 : decode_utf8(bytes.subspan(at)).bytes;
      if (bytes[at] >= 0x80) ++(length > 0 ? good : bad);
      at += static_cast<std::size_t>(std::max(length, 1));
    }
  }

  /// Western European text, where most letters are ASCII.
  bool is_windows() const { return !has_controls && !has_undefined_windows && high <= all / 4 + 1; }
};

}  // namespace

void check_start(const Member& member, std::span<const unsigned char> start) {
  const Packing* const packing = packing_of(start);
  if (packing != nullptr || is_tar(start) || is_zip(start)) {
    throw DataError(fmt::format("{} is {} itself; unpack it, and give that file instead: {}", member.name,
                                packing != nullptr ? fmt::format("packed by {}", packing->name) : "an archive",
                                command(member, "", "unpacked-" + member.file_name)));
  }
  if (const char* const encoding = wide_encoding(start)) {
    throw DataError(fmt::format("{} is {}, not UTF-8{}; `bytes` reads it as it is", member.name, encoding,
                                conversion(member, "", encoding)));
  }
}

void refuse_bad_utf8(const BadUtf8& bad, std::span<const unsigned char> piece, TextReader& reader, Activity& activity) {
  Rest rest;
  rest.add(piece.subspan(bad.at));
  const Member& member = reader.member();
  for (auto bytes = reader.read(); !bytes.empty(); bytes = reader.read()) {
    activity.advance("reading", reader.position(), reader.size());
    rest.add(bytes);
  }
  const std::string advice =
      bad.wide + rest.good > rest.bad
          ? "; it is damaged UTF-8" + conversion(member, "-c ", "UTF-8") + " leaves such bytes out"
      : rest.is_windows() ? "; it looks like Windows-1252 or Latin-1" + conversion(member, "", "WINDOWS-1252")
                          : "; convert it with iconv if you know its encoding";
  throw DataError(fmt::format("{} is not valid UTF-8 at byte {} (0x{:02x}, character {}){}; `bytes` reads it as it is",
                              member.name, bad.byte, bad.value, bad.character, advice));
}

}  // namespace charrnn
