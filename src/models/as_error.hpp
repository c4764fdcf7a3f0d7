// Exceptions that are not the program's own, as Errors.
#pragma once

#include <exception>
#include <string>

#include "base/error.hpp"

namespace charrnn {

/// What somebody can do who trains and has too little memory.
inline constexpr const char* kLowerToTrain = "lower `columns`, `bptt`, `hidden` or `layers`";
/// What is left to others.
inline constexpr const char* kUseMore = "use a machine that has more";

/// Memory that is not to be had is kUsage, and the message says what would help: `remedy`, for this command. So are
/// threads that cannot be started, and a GPU that was never usable. A GPU that fails is kInterrupted: the run goes on
/// from its newest checkpoint. All the rest is kBug.
Error as_error(const std::exception& exception, const std::string& remedy);

}  // namespace charrnn
