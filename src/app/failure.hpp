// Exceptions that nobody can catch.
#pragma once

#include "models/as_error.hpp"

namespace charrnn {

/// From now on an exception that nobody can catch, such as one in a thread of a ThreadTeam, ends the process with the
/// message and exit code of as_error; if it is a bug, as the system does it, with a core file.
void end_by_as_error();

}  // namespace charrnn
