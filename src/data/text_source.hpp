// Where a text comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/activity.hpp"

namespace charrnn {

/// A file of a text, or a file in an archive of it.
struct Member {
  std::string name;       ///< in messages: 'a.txt', or 'a.txt' in 'texts.tar.gz'
  std::string file_name;  ///< without folders and control characters: a.txt
  std::string path;       ///< of a file that holds its bytes as they are; empty if there is none
  std::string unpack;     ///< else a shell command that writes the bytes to standard output; empty if there is none
};

/// What was found beside regular files, and is no part of the text.
struct LeftOut {
  std::int64_t hidden = 0;  ///< files and folders whose name begins with a dot
  std::int64_t links = 0;
  std::int64_t others = 0;  ///< devices, pipes, sockets

  LeftOut& operator+=(const LeftOut& more);
  /// "2 hidden files, 1 link"; empty if there is nothing.
  std::string text() const;
};

/// Reads a text once, from its beginning to its end, and tells an Activity how far it is; Interrupted if that wants to
/// stop. A text is made of members, which are joined without anything between them.
///
///     while (reader->next_member()) {
///       for (auto bytes = reader->read(); !bytes.empty(); bytes = reader->read()) …
///     }
class TextReader {
 public:
  static constexpr std::size_t kPiece = std::size_t{1} << 20;

  TextReader() = default;
  virtual ~TextReader() = default;
  TextReader(const TextReader&) = delete;
  TextReader& operator=(const TextReader&) = delete;

  /// Goes to the next member, or to the first; false if there is none. The one before must have been read to its end.
  virtual bool next_member() = 0;
  /// The next bytes of the member, at most kPiece, which are there until the next call; none at its end. DataError with
  /// file, member and place for what cannot be read or is damaged.
  virtual std::span<const unsigned char> read() = 0;
  virtual const Member& member() const = 0;
  /// Bytes of all files, as they lie on disk (0 of a stream, which may have no end), and how many of them have been read.
  virtual std::int64_t size() const = 0;
  virtual std::int64_t position() const = 0;
  virtual LeftOut left_out() const { return {}; }
};

/// A text that can be read, again and again.
class TextSource {
 public:
  virtual ~TextSource() = default;
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  /// For messages.
  const std::string& name() const { return name_; }

  /// Begins to read. `activity` outlives the reader; listing folders may take long, too. DataError for a text that is
  /// not there.
  virtual std::unique_ptr<TextReader> read(Activity& activity) const = 0;

 protected:
  explicit TextSource(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
};

/// The text of these files, one after the other: plain, packed by gzip, bzip2, xz or zstd, or archives (tar, packed or
/// not, and zip). A folder stands for all the files in it and in its folders, in the byte order of their paths; an
/// archive for its files in the order in which they stand there. Left out are hidden files and whatever is not a
/// regular file; links are followed only where they are given themselves. Nothing is opened before the text is read.
std::unique_ptr<TextSource> open_text(const std::vector<std::string>& paths);

/// A text that comes over a pipe, a terminal or whatever else standard input is: one member, which can be read once. A
/// piece is what has come so far.
std::unique_ptr<TextSource> standard_input_text();

/// A text in memory.
///
///     const MemoryText text("to be or not to be", "my text");
class MemoryText final : public TextSource {
 public:
  explicit MemoryText(std::string text, std::string name = "text")
      : TextSource(std::move(name)), text_(std::move(text)) {}

  std::unique_ptr<TextReader> read(Activity& activity) const override;

 private:
  std::string text_;
};

}  // namespace charrnn
