// Where a text comes from.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

namespace charrnn {

/// A whole text as bytes in memory. Another kind (several files, a compressed one) is another class and a line of
/// open_text().
class TextSource {
 public:
  virtual ~TextSource() = default;
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;

  /// For messages: the path of a file.
  const std::string& name() const { return name_; }
  std::span<const unsigned char> bytes() const { return bytes_; }
  /// A hint that `part` of bytes() has been read and is not needed for now.
  virtual void release(std::span<const unsigned char> part) const { static_cast<void>(part); }

 protected:
  explicit TextSource(std::string name) : name_(std::move(name)) {}
  void set_bytes(std::span<const unsigned char> bytes) { bytes_ = bytes; }

 private:
  std::string name_;
  std::span<const unsigned char> bytes_;
};

/// The text of a file. DataError if it is missing, not a regular file, empty or unreadable.
std::unique_ptr<TextSource> open_text(const std::string& path);

/// A text in memory.
///
///     const MemoryText text("to be or not to be", "my text");
class MemoryText final : public TextSource {
 public:
  explicit MemoryText(std::string text, std::string name = "text")
      : TextSource(std::move(name)), text_(std::move(text)) {
    set_bytes({reinterpret_cast<const unsigned char*>(text_.data()), text_.size()});
  }

 private:
  std::string text_;
};

/// These bytes of a mapping of a file (of no other memory: it would lose them) are not needed for now: they no longer
/// count as this process's memory, and are read again when they are touched.
void release_pages(std::span<const unsigned char> bytes);

}  // namespace charrnn
