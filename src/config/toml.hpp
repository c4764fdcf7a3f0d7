// TEMPORARY: replaced by the option table's.
#pragma once

#include <string>

#include "config/run_config.hpp"

namespace charrnn {

std::string write_config(const RunConfig& config);

}  // namespace charrnn
