#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "config/nearest.hpp"

namespace charrnn {

namespace {

void parse(const std::string& text, const char* key, bool& value) {
  const bool on = text == "on" || text == "true";
  require_option(on || text == "off" || text == "false", key, "`{}` must be on or off, not '{}'", key, text);
  value = on;
}

void parse(const std::string& text, const char* key, double& value) {
  const std::optional<double> number = number_in<double>(text);
  require_option(number.has_value(), key, "`{}` must be a number, not '{}'", key, text);
  value = *number;
}

void parse(const std::string& text, const char* key, std::int64_t& value) {
  if (const auto whole = number_in<std::int64_t>(text)) {
    value = *whole;
    return;
  }
  constexpr double kExact = 1LL << 53;  // up to here every whole number is a double
  const double number = number_in<double>(text).value_or(0.5);
  const bool is_number = std::isfinite(number) && std::trunc(number) == number;
  require_option(is_number, key, "`{}` must be a whole number, not '{}'", key, text);
  require_option(std::abs(number) <= kExact, key, "`{}` cannot be as large as {}", key, text);
  value = static_cast<std::int64_t>(number);
}

void parse(const std::string& text, const char*, std::string& value) {
  value = text;
}

template <class T>
void parse(const std::string& text, const char* key, std::vector<T>& value) {
  for (const std::string& part : split(text, ',')) parse(part, key, value.emplace_back());
}

void parse(const std::string& text, const char*, Paths& value) {
  value.push_back(text);
}

/// With the fewest digits: 0.1, 1e-8.
std::string number_text(double number) {
  std::string text = fmt::format("{}", number);
  const std::size_t exponent = text.find("e-0");
  if (exponent != std::string::npos) text.erase(exponent + 2, 1);
  return text;
}

std::string quoted(const std::string& text) {
  std::string all = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
      all += fmt::format("\\u{:04x}", c);
      continue;
    }
    if (c == '"' || c == '\\') all += '\\';
    all += c;
  }
  return all + '"';
}

template <class T>
std::string text_of(const T& value, bool toml) {
  if constexpr (std::is_same_v<T, bool>) {
    return toml ? (value ? "true" : "false") : (value ? "on" : "off");
  } else if constexpr (std::is_same_v<T, double>) {
    return number_text(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return toml ? quoted(value) : value;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return fmt::format("{}", value);
  } else {
    Strings parts;
    for (const auto& one : value) parts.push_back(text_of(one, toml));
    if (std::is_same_v<T, Paths> && parts.size() == 1) return parts[0];
    return toml ? fmt::format("[{}]", fmt::join(parts, ", ")) : fmt::format("{}", fmt::join(parts, ","));
  }
}

void check(const char* key, double value, const std::string& text, const Rule& rule) {
  require_option(std::isfinite(value), key, "`{}` must be a finite number, not {}", key, text);
  require_option(rule.open ? value > rule.least : value >= rule.least, key, "`{}` must be {} {}, not {}", key,
                 rule.open ? "more than" : "at least", number_text(rule.least), text);
  require_option(rule.open_above ? value < rule.most : value <= rule.most, key, "`{}` must be {} {}, not {}", key,
                 rule.open_above ? "less than" : "at most", number_text(rule.most), text);
}

void check(const char* key, const std::string& value, const Rule& rule) {
  if (rule.free_text) return;
  const std::vector<char32_t> characters = decode_text(value, fmt::format("`{}`", key));
  require_option(std::ranges::none_of(characters, is_control), key, "`{}` has control characters in it", key);
  const Strings choices = split(rule.choices, '|');
  require_option(choices.empty() || std::ranges::find(choices, value) != choices.end(), key,
                 "`{}` must be one of {}, not '{}'{}", key, fmt::join(choices, ", "), value,
                 did_you_mean(value, choices));
}

}  // namespace

void parse_value(const Strings& words, const char* key, Value value) {
  std::visit(
      [&](auto* target) {
        *target = {};
        for (const std::string& word : words) parse(word, key, *target);
      },
      value);
}

std::string to_text(Value value) {
  return std::visit([](const auto* one) { return text_of(*one, false); }, value);
}

std::string to_toml(Value value) {
  return std::visit([](const auto* one) { return text_of(*one, true); }, value);
}

void assign(Value from, Value to) {
  std::visit([&](auto* target) { *target = *std::get<decltype(target)>(from); }, to);
}

void check_value(const char* key, Value value, const Rule& rule) {
  std::visit(
      [&](const auto* one) {
        using T = std::remove_cvref_t<decltype(*one)>;
        if constexpr (std::is_same_v<T, std::string>) {
          check(key, *one, rule);
        } else if constexpr (std::is_same_v<T, Strings> || std::is_same_v<T, Paths>) {
          for (const std::string& text : *one) check(key, text, rule);
        } else if constexpr (std::is_same_v<T, Numbers> || std::is_same_v<T, Integers>) {
          for (const auto number : *one) check(key, static_cast<double>(number), text_of(number, false), rule);
        } else if constexpr (!std::is_same_v<T, bool>) {
          check(key, static_cast<double>(*one), text_of(*one, false), rule);
        }
      },
      value);
}

}  // namespace charrnn
