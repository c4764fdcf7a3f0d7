// Whether a config makes sense, before anything is touched.
#pragma once

#include "config/run_config.hpp"

namespace charrnn {

/// Every value against the rule of its option, then the options against each other. ConfigError that names the option,
/// its value and what is allowed.
void validate(const RunConfig& config);

/// The same for a model alone.
void validate(const ModelConfig& model);

}  // namespace charrnn
