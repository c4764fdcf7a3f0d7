// Help in all its forms, from what the commands say of themselves.
#pragma once

#include <deque>
#include <string>

#include "app/command_line.hpp"

namespace charrnn {

using Commands = std::deque<Command>;

/// One line in the manner of a title, for help and the manual page.
inline constexpr const char* kSummary =
    "train character-level recurrent language models on many GPUs or CPU ranks at once";

/// The commands, and where to go on; lines of at most `width` columns where words allow.
std::string program_help(const Commands& commands, int width);
/// A command's options, grouped by table, with choices, ranges and defaults; `program` is what one types to run it.
std::string command_help(const std::string& program, const Command& command, int width);

/// A manual page in troff's man macros, of the program or of one command.
std::string program_manual(const Commands& commands);
std::string command_manual(const Command& command);

/// A completion script. UsageError for a shell other than bash and zsh.
std::string completion(const Commands& commands, const std::string& shell);

/// The options of a training run by table, with defaults, as the rows of a Markdown table.
std::string options_table();

/// How the argument is written: "--columns N", "--[no-]lowercase", "--resume [PATH]", "PATH...".
std::string synopsis(const Argument& argument);
/// What it is, with its range and default.
std::string description(const Argument& argument);

}  // namespace charrnn
