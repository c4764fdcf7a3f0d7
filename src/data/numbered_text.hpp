// A whole text as numbers of its characters, once per machine, for any vocabulary.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/scratch_file.hpp"

namespace charrnn {

/// A text is stored in blocks. Within one, every number takes as many bytes as the largest needs: 1, 2 or 4. So a text
/// of few different characters takes a byte a character, also where a rare one has a large number.
inline constexpr std::int64_t kBlockCharacters = std::int64_t{1} << 16;

/// Writes a text, number by number.
///
///     NumberWriter writer;
///     writer.add(300);
///     NumberWriter::Written written = writer.finish();
class NumberWriter {
 public:
  NumberWriter() : block_(kBlockCharacters * kMostWidth) {}

  /// Numbers below 256.
  void add(std::span<const unsigned char> numbers);
  void add(std::uint32_t number);

  struct Written {
    ScratchFile file;
    std::vector<std::uint8_t> widths;  ///< of every block, in bytes
    std::vector<std::int64_t> counts;  ///< how often each number is there
  };
  /// Once, last.
  Written finish();

 private:
  static constexpr std::size_t kMostWidth = 4;

  void widen(int width);
  void flush();

  std::vector<std::byte> block_;
  std::int64_t filled_ = 0;  ///< numbers in block_
  int width_ = 1;
  Written written_;
};

/// The text that a NumberWriter has written.
class NumberedText {
 public:
  /// `file` may be another process's.
  NumberedText(std::shared_ptr<ScratchFile> file, std::span<const std::uint8_t> widths, std::int64_t characters);

  std::int64_t size() const { return characters_; }

  /// Calls work(numbers, at) for the stretches that characters first … first + count − 1 are stored in: `numbers` is a
  /// span of 8, 16 or 32 bits a number, `at` the place of its first one among the `count`.
  template <class Work>
  void visit(std::int64_t first, std::int64_t count, const Work& work) const {
    for (std::int64_t at = 0; at < count;) {
      const auto [start, width] = blocks_[static_cast<std::size_t>((first + at) / kBlockCharacters)];
      const std::int64_t begin = (first + at) % kBlockCharacters;
      const auto size = static_cast<std::size_t>(std::min(kBlockCharacters - begin, count - at));
      const std::byte* const numbers = start + begin * width;
      if (width == 1) work(std::span(reinterpret_cast<const std::uint8_t*>(numbers), size), at);
      if (width == 2) work(std::span(reinterpret_cast<const std::uint16_t*>(numbers), size), at);
      if (width == 4) work(std::span(reinterpret_cast<const std::uint32_t*>(numbers), size), at);
      at += static_cast<std::int64_t>(size);
    }
  }

 private:
  struct Block {
    const std::byte* start;
    int width;  ///< bytes of a number
  };

  std::shared_ptr<ScratchFile> file_;
  std::int64_t characters_;
  std::vector<Block> blocks_;
};

/// Adds to `counts` how often each number is there; grows it as needed.
void count_numbers(std::span<const std::uint8_t> numbers, std::vector<std::int64_t>& counts);
void count_numbers(std::span<const std::uint16_t> numbers, std::vector<std::int64_t>& counts);
void count_numbers(std::span<const std::uint32_t> numbers, std::vector<std::int64_t>& counts);

}  // namespace charrnn
