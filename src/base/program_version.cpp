#include "base/program_version.hpp"

namespace charrnn {

const std::string_view kProgramVersion = CHARRNN_VERSION;
const std::string_view kProgramBuild = CHARRNN_BUILD;

}  // namespace charrnn
