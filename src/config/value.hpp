// The value of one option, whatever its type: reading it from a word, writing it, and what it may be.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace charrnn {

using Strings = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

/// Files and folders. Unlike other lists they are not divided at commas, and one alone is written without being a list.
struct Paths : Strings {
  using Strings::Strings;
};

/// Where the value of an option lies.
using Value = std::variant<bool*, std::int64_t*, double*, std::string*, Strings*, Integers*, Numbers*, Paths*>;

/// What a value may be. Numbers (also those of a list) lie in a range, strings are one of `choices` if there are any.
/// Otherwise a string is a name: valid UTF-8 without control characters, unless it is `free_text`, which may be empty.
struct Rule {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool open = false;         ///< `least` itself is not allowed
  bool open_above = false;   ///< nor is `most`
  const char* choices = "";  ///< "adam|adamw|sgd"; empty: any string
  bool free_text = false;
};

constexpr Rule at_least(double least) {
  return {.least = least};
}
constexpr Rule more_than(double least) {
  return {.least = least, .open = true};
}
constexpr Rule between(double least, double most) {
  return {.least = least, .most = most};
}
/// At least 0 and less than 1.
constexpr Rule probability() {
  return {.least = 0, .most = 1, .open_above = true};
}
constexpr Rule one_of(const char* choices) {
  return {.choices = choices};
}

/// Reads the words that were given for the option `key`: one, or any number for a list, whose elements commas may
/// separate too. Numbers are decimal, whatever zeros they begin with; 1e3 is a whole number. ConfigError.
void parse_value(const Strings& words, const char* key, Value value);

/// A value as the command line takes it and a person reads it: 0.1, on, 1e-3:4,1e-4:4. Numbers have the fewest digits
/// that give them back.
std::string to_text(Value value);

/// The same as TOML writes it: 0.1, true, ["1e-3:4", "1e-4:4"].
std::string to_toml(Value value);

/// Copies a value; both are of the same type.
void assign(Value from, Value to);

/// ConfigError unless the value follows the rule: "`columns` must be at least 1, not 0".
void check_value(const char* key, Value value, const Rule& rule);

}  // namespace charrnn
