// Parameters with a learning rate and a weight decay of their own.
#pragma once

#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "models/parameter_layout.hpp"

namespace charrnn {

/// Parameters that share a learning rate and a weight decay.
struct ParameterGroup {
  std::string match;  ///< shell pattern of the names; "*" for the rest
  double learning_rate = 0;
  double weight_decay = 0;
  std::vector<std::string> names;
};

/// The groups of a config: those of `groups` in their order (a parameter belongs to the first that matches), then
/// the rest. ConfigError for a group that cannot be read or matches nothing.
std::vector<ParameterGroup> parameter_groups(const OptimizerConfig& config, const ParameterLayout& layout);

}  // namespace charrnn
