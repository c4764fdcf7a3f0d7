// Configs as TOML: [data], [model], [optimizer], [schedule] and [run], each with the options of that name.
#pragma once

#include <string>

#include "config/given_options.hpp"

namespace charrnn {

/// What to do about a table or a key that the program does not know.
enum class UnknownKeys {
  kRefuse,  ///< a spelling mistake: UsageError with its place and the nearest name
  kIgnore,  ///< a checkpoint of another version of the program
};

/// Reads a config; `source` names it in errors and places. Names may be spelled with '_' for '-', and as they were
/// before they were renamed. Adds to `notes`, unless it is null, a line about each name that was renamed or ignored.
/// UsageError with SOURCE:LINE:COLUMN for what is not TOML, a value of another type, or an option that stands there
/// twice.
GivenOptions read_toml(const std::string& text, const std::string& source, UnknownKeys unknown, Strings* notes);

/// The same from a file, which may be a pipe. UsageError if it cannot be read.
GivenOptions read_toml_file(const std::string& path, Strings* notes);

/// The whole config as TOML that gives it back.
std::string write_toml(const RunConfig& config);

}  // namespace charrnn
