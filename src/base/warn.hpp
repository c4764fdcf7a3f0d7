// Where warnings go.
#pragma once

#include <functional>
#include <string>

namespace charrnn {

/// Called with a line for a person, such as that a checkpoint is damaged.
using Warn = std::function<void(const std::string&)>;

}  // namespace charrnn
