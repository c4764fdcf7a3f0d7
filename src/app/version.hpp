// What the program is made of.
#pragma once

#include <string>

namespace charrnn {

/// Its version and commit, the libraries' versions and the engines, a line each.
std::string version_text();

}  // namespace charrnn
