#include "base/program_version.hpp"

namespace charrnn {

const std::string_view kProgramVersion = CHARRNN_VERSION;

}  // namespace charrnn
