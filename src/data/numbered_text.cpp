#include "data/numbered_text.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace charrnn {

namespace {

template <class T>
std::span<const T> as_numbers(const std::vector<std::byte>& block, std::int64_t count) {
  return {reinterpret_cast<const T*>(block.data()), static_cast<std::size_t>(count)};
}

template <class From, class To>
void widen_in_place(std::vector<std::byte>& block, std::int64_t count) {
  const std::span<const From> narrow = as_numbers<From>(block, count);
  const std::vector<From> copy(narrow.begin(), narrow.end());
  std::copy(copy.begin(), copy.end(), reinterpret_cast<To*>(block.data()));
}

template <class T>
void append(std::vector<std::byte>& block, std::int64_t at, std::span<const unsigned char> numbers) {
  std::copy(numbers.begin(), numbers.end(), reinterpret_cast<T*>(block.data()) + at);
}

template <class T>
void count_each(std::span<const T> numbers, std::vector<std::int64_t>& counts) {
  if (numbers.empty()) return;
  const std::size_t needed = std::size_t{*std::max_element(numbers.begin(), numbers.end())} + 1;
  if (counts.size() < needed) counts.resize(needed);
  for (const T number : numbers) ++counts[number];
}

}  // namespace

void count_numbers(std::span<const std::uint8_t> numbers, std::vector<std::int64_t>& counts) {
  // Four tables, so that a character that follows itself need not wait for its own last count.
  constexpr std::size_t kTables = 4, kNumbers = 256;
  std::array<std::array<std::uint32_t, kNumbers>, kTables> tables{};
  std::size_t i = 0;
  for (; i + kTables <= numbers.size(); i += kTables) {
    for (std::size_t t = 0; t < kTables; ++t) ++tables[t][numbers[i + t]];
  }
  for (; i < numbers.size(); ++i) ++tables[0][numbers[i]];
  if (counts.size() < kNumbers) counts.resize(kNumbers);
  for (std::size_t n = 0; n < kNumbers; ++n) {
    for (const auto& table : tables) counts[n] += table[n];
  }
}

void count_numbers(std::span<const std::uint16_t> numbers, std::vector<std::int64_t>& counts) {
  count_each(numbers, counts);
}

void count_numbers(std::span<const std::uint32_t> numbers, std::vector<std::int64_t>& counts) {
  count_each(numbers, counts);
}

void NumberWriter::add(std::span<const unsigned char> numbers) {
  while (!numbers.empty()) {
    const std::size_t count = std::min(numbers.size(), static_cast<std::size_t>(kBlockCharacters - filled_));
    const std::span<const unsigned char> some = numbers.first(count);
    if (width_ == 1) append<std::uint8_t>(block_, filled_, some);
    if (width_ == 2) append<std::uint16_t>(block_, filled_, some);
    if (width_ == 4) append<std::uint32_t>(block_, filled_, some);
    filled_ += static_cast<std::int64_t>(count);
    if (filled_ == kBlockCharacters) flush();
    numbers = numbers.subspan(count);
  }
}

void NumberWriter::add(std::uint32_t number) {
  constexpr std::uint32_t kNarrow = 1U << 8, kMiddle = 1U << 16;
  if (width_ < 2 && number >= kNarrow) widen(2);
  if (width_ < 4 && number >= kMiddle) widen(4);
  if (width_ == 1) reinterpret_cast<std::uint8_t*>(block_.data())[filled_] = static_cast<std::uint8_t>(number);
  if (width_ == 2) reinterpret_cast<std::uint16_t*>(block_.data())[filled_] = static_cast<std::uint16_t>(number);
  if (width_ == 4) reinterpret_cast<std::uint32_t*>(block_.data())[filled_] = number;
  if (++filled_ == kBlockCharacters) flush();
}

void NumberWriter::widen(int width) {
  if (width_ == 1 && width == 2) widen_in_place<std::uint8_t, std::uint16_t>(block_, filled_);
  if (width_ == 1 && width == 4) widen_in_place<std::uint8_t, std::uint32_t>(block_, filled_);
  if (width_ == 2) widen_in_place<std::uint16_t, std::uint32_t>(block_, filled_);
  width_ = width;
}

void NumberWriter::flush() {
  if (filled_ == 0) return;
  if (width_ == 1) count_numbers(as_numbers<std::uint8_t>(block_, filled_), written_.counts);
  if (width_ == 2) count_numbers(as_numbers<std::uint16_t>(block_, filled_), written_.counts);
  if (width_ == 4) count_numbers(as_numbers<std::uint32_t>(block_, filled_), written_.counts);
  written_.file.append(std::span(block_).first(static_cast<std::size_t>(filled_ * width_)));
  written_.widths.push_back(static_cast<std::uint8_t>(width_));
  filled_ = 0;
  width_ = 1;
}

NumberWriter::Written NumberWriter::finish() {
  flush();
  return std::move(written_);
}

NumberedText::NumberedText(std::shared_ptr<ScratchFile> file, std::span<const std::uint8_t> widths,
                           std::int64_t characters)
    : file_(std::move(file)), characters_(characters) {
  const std::span<const std::byte> bytes = file_->map();
  std::int64_t at = 0;
  for (const std::uint8_t width : widths) {
    blocks_.push_back({bytes.data() + at, width});
    const std::int64_t before = (std::ssize(blocks_) - 1) * kBlockCharacters;
    at += width * std::min(kBlockCharacters, characters - before);
  }
  require(at == std::ssize(bytes), "the stored text has {} bytes, not {}", bytes.size(), at);
}

}  // namespace charrnn
