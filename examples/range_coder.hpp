// A range coder: a sequence of choices as one long number, in which each choice takes as many bits as its probability says.
// After G. N. N. Martin, "Range encoding: an algorithm for removing redundancy from a digitised message" (1979), with the
// carries of LZMA's. Integers alone, so that the decoder takes exactly the way of the encoder.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

/// A choice has `size` of `total` equally probable cases; `before` cases come before them. 0 < size, before + size <= total,
/// and total <= 2^40: then rounding costs less than 0.01 bits a choice, and with a total of 2^32 less than 0.0001.
struct Choice {
  std::uint64_t before, size, total;
};

// The number has so many bits; its interval is at least so wide whenever a choice is made.
inline constexpr int kNumberBits = 56;
inline constexpr std::uint64_t kLeastWidth = std::uint64_t{1} << (kNumberBits - 8);

///     RangeEncoder encoder;
///     encoder.put({.before = 0, .size = 1, .total = 2});  // heads
///     encoder.put({.before = 3, .size = 1, .total = 6});  // a four
///     const std::string code = encoder.finish();
class RangeEncoder {
 public:
  void put(const Choice& choice) {
    const std::uint64_t step = width_ / choice.total;
    low_ += choice.before * step;
    width_ = choice.size * step;
    while (width_ < kLeastWidth) shift();
  }

  /// The code; once.
  std::string finish() {
    low_ = (low_ + kLeastWidth - 1) / kLeastWidth *
           kLeastWidth;  // of all numbers in it, the one with most zeros at its end
    shift();
    shift();  // completes what the first one held back
    code_.erase(code_.find_last_not_of('\0') + 1);
    return std::move(code_);
  }

 private:
  /// The highest byte is final, but for a carry that may still come from below: it waits, and so does every 255 after it.
  void shift() {
    const auto byte = static_cast<unsigned char>(low_ / kLeastWidth);
    const bool carries = (low_ >> kNumberBits) != 0;
    if (byte == 0xFF && !carries) {
      ++full_;
    } else {
      if (has_held_) code_ += static_cast<char>(held_ + carries);
      code_.append(std::exchange(full_, 0), static_cast<char>(carries ? 0 : 0xFF));
      held_ = byte;
      has_held_ = true;
    }
    low_ = low_ % kLeastWidth << 8;
    width_ <<= 8;
  }

  std::uint64_t low_ = 0, width_ = std::uint64_t{1} << kNumberBits;  // the number lies in [low_, low_ + width_)
  unsigned char held_ = 0;
  bool has_held_ = false;
  std::size_t full_ = 0;  // bytes of 255 after held_
  std::string code_;
};

/// Gets the choices back, of which it must be told what it can choose among. Whatever the code is, every answer is in range.
///
///     RangeDecoder decoder(code);
///     const bool is_heads = decoder.find(2) == 0;
///     decoder.take({is_heads ? 0U : 1U, 1, 2});
class RangeDecoder {
 public:
  /// `code` outlives the decoder. It goes on with zeros for ever.
  explicit RangeDecoder(std::string_view code) : code_(code) {
    for (int bits = 0; bits < kNumberBits; bits += 8) offset_ = offset_ << 8 | next();
  }

  /// The case, less than `total`, which tells what the choice was: that with before <= case < before + size.
  std::uint64_t find(std::uint64_t total) const { return std::min(offset_ / (width_ / total), total - 1); }
  /// Goes on after it.
  void take(const Choice& choice) {
    const std::uint64_t step = width_ / choice.total;
    offset_ -= choice.before * step;
    width_ = choice.size * step;
    for (; width_ < kLeastWidth; width_ <<= 8) offset_ = offset_ << 8 | next();
  }

 private:
  unsigned char next() { return at_ < code_.size() ? static_cast<unsigned char>(code_[at_++]) : 0; }

  std::string_view code_;
  std::size_t at_ = 0;
  std::uint64_t offset_ = 0, width_ = std::uint64_t{1} << kNumberBits;  // of the number above the interval's low end
};
