// Numbers and other short texts as people read and write them.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace charrnn {

std::string with_commas(std::int64_t number);  ///< 493,747
std::string duration_text(double seconds);     ///< 7 s, 3:05, 2:03:05, 1 d 2:03:05
std::string rate_text(double per_second);      ///< 950, 12.3k, 1.20M
/// 1.2345; 5.2e+31 or nan for what is no longer a loss.
std::string loss_text(double loss, int decimals = 4);
std::string bytes_text(std::uint64_t bytes);  ///< 64 MB, 57.7 GB
/// The parts between the separators; none of an empty text.
std::vector<std::string> split(const std::string& text, char separator);
/// Adds words and a line end to `text`, whose last line has `column` characters, in lines of at most `width` that go on
/// after `indent` spaces. `joint` ends every line but the last.
void add_wrapped(std::string& text, const std::string& words, std::size_t column, std::size_t indent, std::size_t width,
                 const std::string& joint = "");
/// The beginning of a UTF-8 text, as much as fits in `columns` of a terminal, control characters as spaces.
std::string one_line(std::string_view text, std::size_t columns);
double bits(double nats);                ///< nats / ln 2
std::string percent_text(double share);  ///< 23.7 %, 0.04 %, under 0.001 %
/// A word as a shell takes it: in quotes where it has anything but plain characters; control characters, and what is
/// not UTF-8, as $'\033'.
std::string for_shell(const std::string& word);

/// The number that the whole text is, in decimal; nothing if it is none, or too large for a T.
template <class T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace charrnn
