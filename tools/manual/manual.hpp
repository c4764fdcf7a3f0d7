// What the command line says of itself, in the forms that other programs read.
#pragma once

#include <string>

#include "app/help.hpp"

namespace charrnn {

/// A manual page in troff's man macros, of the program or of one command.
std::string program_manual(const Commands& commands);
std::string command_manual(const Command& command);

/// A script that completes the program's command line.
std::string bash_completion(const Commands& commands);
std::string zsh_completion(const Commands& commands);

}  // namespace charrnn
