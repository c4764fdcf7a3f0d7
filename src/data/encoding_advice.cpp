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

bool has_file(const Member& member) {
  return !member.path.empty() || !member.unpack.empty();
}

/// What to do: `otherwise`, then a shell command that sends the member through `filter` into a new file in this folder, if
/// there is a file. Nothing follows the command, so that it can be copied to the line's end.
std::string advice(const Member& member, std::string_view otherwise, const std::string& filter,
                   const std::string& output) {
  const auto as_path = [](const std::string& path) { return for_shell(path.starts_with('-') ? "./" + path : path); };
  if (!has_file(member)) return fmt::format("; {}", otherwise);
  const std::string from = !member.path.empty() ? filter + " " + as_path(member.path)
                           : filter.empty()     ? member.unpack
                                                : member.unpack + " | " + filter;
  return fmt::format("; {}: {} > {}", otherwise, from, as_path(output));
}

std::string converted(const Member& member, std::string_view otherwise, const std::string& encoding) {
  const std::filesystem::path name(member.file_name);
  return advice(member, otherwise, fmt::format("iconv {} -t UTF-8", encoding),
                name.stem().string() + ".utf8" + name.extension().string());
}

std::string or_bytes(bool takes_bytes, std::string_view otherwise) {
  return fmt::format("{}{}", takes_bytes ? "use `bytes`, or " : "", otherwise);
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

void check_start(const Member& member, std::span<const unsigned char> start, bool takes_bytes) {
  const bool is_packed = packing_of(start) != Packing::kNone;
  if (is_packed || is_tar(start) || is_zip(start)) {
    throw DataError(
        fmt::format("{} is {}{}{}", member.name, is_packed ? "packed" : "an archive",
                    !has_file(member) ? ""
                    : is_packed       ? " once more"
                                      : " itself",
                    advice(member, "unpack it, and give that file instead", "", "unpacked-" + member.file_name)));
  }
  if (const char* const encoding = wide_encoding(start)) {
    throw DataError(
        fmt::format("{} is {}, not UTF-8{}", member.name, encoding,
                    converted(member, or_bytes(takes_bytes, "convert it"), fmt::format("-f {}", encoding))));
  }
}

void refuse_bad_utf8(const BadUtf8& bad, std::span<const unsigned char> piece, TextReader& reader, bool takes_bytes) {
  Rest rest;
  rest.add(piece.subspan(bad.at));
  const Member& member = reader.member();
  if (reader.size() > 0) {
    for (auto bytes = reader.read(); !bytes.empty(); bytes = reader.read()) rest.add(bytes);
  }
  const std::string what_to_do =
      bad.wide + rest.good > rest.bad
          ? ": the text is damaged" + converted(member, or_bytes(takes_bytes, "leave out what is"), "-c -f UTF-8")
      : rest.is_windows() ? ": it may be Windows-1252 or Latin-1" +
                                converted(member, or_bytes(takes_bytes, "convert it"), "-f WINDOWS-1252")
                          : "; " + or_bytes(takes_bytes, "convert it with iconv if you know its encoding");
  throw DataError(fmt::format("{} is not valid UTF-8 at byte {} (0x{:02x}, character {}){}", member.name, bad.byte,
                              bad.value, bad.character, what_to_do));
}

}  // namespace charrnn
