#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

#include "base/utf8.hpp"

namespace charrnn {

std::string with_commas(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool group_starts = i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-';
    if (group_starts) text += ',';
    text += digits[i];
  }
  return text;
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const auto total = static_cast<std::int64_t>(std::llround(std::max(seconds, 0.0)));
  const std::int64_t days = total / 86'400, hours = total / 3600 % 24, minutes = total / 60 % 60, rest = total % 60;
  if (days > 0) return fmt::format("{} d {}:{:02}:{:02}", days, hours, minutes, rest);
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, rest);
  if (minutes > 0) return fmt::format("{}:{:02}", minutes, rest);
  return fmt::format("{} s", rest);
}

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return fmt::format("{:.2f}M", per_second / 1e6);
  if (per_second >= 1e4) return fmt::format("{:.1f}k", per_second / 1e3);
  return fmt::format("{:.0f}", per_second);
}

std::string loss_text(double loss, int decimals) {
  constexpr double kNoLoss = 1000;     // its digits would only break tables
  if (std::isnan(loss)) return "nan";  // which has a sign, too
  return loss < kNoLoss ? fmt::format("{:.{}f}", loss, decimals) : fmt::format("{:.3g}", loss);
}

std::string bytes_text(std::uint64_t bytes) {
  const auto number = static_cast<double>(bytes);
  return number >= 1e9 ? fmt::format("{:.1f} GB", number / 1e9) : fmt::format("{:.0f} MB", number / 1e6);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

void add_wrapped(std::string& text, const std::string& words, std::size_t column, std::size_t indent, std::size_t width,
                 const std::string& joint) {
  bool starts_line = true;
  for (const std::string& word : split(words, ' ')) {
    if (!starts_line && column + 1 + word.size() + joint.size() > width) {
      text += joint + "\n" + std::string(indent, ' ');
      column = indent;
      starts_line = true;
    }
    if (!starts_line) text += ' ';
    column += word.size() + (starts_line ? 0 : 1);
    text += word;
    starts_line = false;
  }
  text += '\n';
}

std::string one_line(std::string_view text, std::size_t columns) {
  std::string line;
  const std::span bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  for (std::size_t at = 0, column = 0; at < bytes.size();) {
    const auto [code_point, used] = decode_utf8(bytes.subspan(at));
    const bool is_shown = used > 0 && !is_control(code_point);
    const char32_t shown = is_shown ? code_point : used > 0 && code_point < U' ' ? U' ' : U'\uFFFD';
    column += columns_of(shown);
    if (column > columns) break;
    append_utf8(line, shown);
    at += static_cast<std::size_t>(std::max(used, 1));
  }
  return line;
}

double bits(double nats) {
  return nats / std::numbers::ln2;
}

std::string percent_text(double share) {
  constexpr double kLeast = 1e-5;  // of which three digits say nothing
  if (share > 0 && share < kLeast) return "under 0.001 %";
  return fmt::format("{:.{}f} %", 100 * share, share == 0 || share >= 0.01 ? 1 : share >= 0.001 ? 2 : 3);
}

std::string for_shell(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+,:=@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  const bool can_be_shown = without_controls(word) == word;
  std::string quoted = can_be_shown ? "'" : "$'";
  for (const char c : word) {
    if (can_be_shown) {
      quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    } else if (c < ' ' || c > '~' || c == '\'' || c == '\\') {
      quoted += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace charrnn
