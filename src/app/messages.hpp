// How messages look to the user of the program.
#pragma once

#include <string>

namespace charrnn {

/// Options in a message, which code below the command line names by their keys in backticks (`columns`), as the command
/// line spells them: --columns.
std::string as_flags(const std::string& message);

/// What a shell in this folder calls this program: charrnn_dist if that finds it, else its path.
std::string program_name();

/// "charrnn_dist: error: …" or "… warning: …" on standard error, after what standard output has.
void print_error(const std::string& message);
void warn_on_stderr(const std::string& message);
/// "charrnn_dist: …" on standard error: neither.
void tell_on_stderr(const std::string& message);

}  // namespace charrnn
