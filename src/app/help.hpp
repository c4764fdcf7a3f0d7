// Help, written from the commands and their arguments.
#pragma once

#include <deque>
#include <string>

#include "app/command_line.hpp"

namespace charrnn {

using Commands = std::deque<Command>;

/// What the program does, in one line.
inline constexpr const char* kSummary =
    "train character-level recurrent language models on many GPUs or CPU ranks at once";

/// The commands, and where to go on; lines of at most `width` columns where words allow.
std::string program_help(const Commands& commands, int width);
/// A command's options, grouped by table, with choices, ranges and defaults; `program` is what one types to run it.
std::string command_help(const std::string& program, const Command& command, int width);

/// How the argument is written: "--columns N", "--[no-]lowercase", "--resume [PATH]", "PATH...".
std::string synopsis(const Argument& argument);
/// What it is, with its range and default.
std::string description(const Argument& argument);

}  // namespace charrnn
