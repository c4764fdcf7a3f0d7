// Where the options of a run come from.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "config/given_options.hpp"

namespace charrnn {

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
