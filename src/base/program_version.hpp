// The version of charrnn_dist that this is.
#pragma once

#include <string_view>

namespace charrnn {

/// Such as "1.2.3".
extern const std::string_view kProgramVersion;
/// With the commit, where it was known: "1.2.3 (c800eef)".
extern const std::string_view kProgramBuild;

}  // namespace charrnn
