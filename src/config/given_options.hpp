// What somebody asked for, as opposed to what is in force: no default is mistaken for a wish.
#pragma once

#include <map>
#include <string>

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

}  // namespace charrnn
