// The options that were given, apart from the defaults that complete them.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "config/option_table.hpp"

namespace charrnn {

/// The options that were given, with their values and where they were said.
///
///     GivenOptions given;
///     parse_value({"0.01"}, "learning-rate", given.give(*find_option(option_table(), "learning-rate"), ""));
///     RunConfig config;
///     given.apply(config);   // everything else keeps its default
class GivenOptions {
 public:
  /// Notes that `option` was given at `place`: FILE:LINE:COLUMN, or empty for the command line. Its value goes to where
  /// the result points.
  Value give(const Option& option, std::string place);
  /// Adds what `stronger` says; it wins where both say something.
  void add(const GivenOptions& stronger);
  /// Puts the given values on top of `config`.
  void apply(RunConfig& config) const;
  /// Where the option `key` was given, empty if on the command line or not at all.
  std::string place_of(const std::string& key) const;

 private:
  RunConfig values_;
  std::map<const Option*, std::string> places_;
};

/// A command line, and a config file that it wins over.
struct ConfigSources {
  std::string file;  ///< empty: none
  GivenOptions command_line;
  std::optional<GivenOptions> both;  ///< once the file has been read
  Strings notes;                     ///< about names in the file

  /// What both say. Reads the file the first time, which may be a pipe; UsageError if it cannot be read.
  const GivenOptions& given();
  /// The error's message; if its option was given in the file, with the place and the key as it is spelled there.
  std::string located(const Error& error) const;
};

}  // namespace charrnn
