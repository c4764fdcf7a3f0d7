#include "train/parameter_groups.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/error.hpp"

namespace charrnn {

namespace {

/// Reads a number that ends at ':' or at the end of the text, and takes it (and the colon) off the front.
bool take_number(std::string_view& text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto used = static_cast<std::size_t>(end - text.data());
  const bool ends_here = used == text.size() || text[used] == ':';
  if (error != std::errc() || !ends_here || !std::isfinite(value) || value < 0) return false;
  text.remove_prefix(std::min(used + 1, text.size()));
  return true;
}

ParameterGroup parse_group(const std::string& text, double default_weight_decay) {
  const std::size_t equals = text.find('=');
  ParameterGroup group{text.substr(0, equals), 0, default_weight_decay, {}};
  std::string_view numbers = equals == std::string::npos ? "" : std::string_view(text).substr(equals + 1);
  const bool readable = take_number(numbers, group.learning_rate) &&
                        (numbers.empty() || take_number(numbers, group.weight_decay)) && numbers.empty();
  require_option(readable && !group.match.empty(), "groups",
                 "`groups`: '{}' is not PATTERN=LEARNING_RATE[:WEIGHT_DECAY], such as e.*=1e-3:0", text);
  return group;
}

}  // namespace

std::vector<ParameterGroup> parameter_groups(const OptimizerConfig& config, const ParameterLayout& layout) {
  std::vector<ParameterGroup> groups;
  for (const std::string& text : config.groups) groups.push_back(parse_group(text, config.weight_decay));
  groups.push_back({"*", config.learning_rate, config.weight_decay, {}});
  std::string all_names;
  for (const Parameter& parameter : layout.parameters()) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const ParameterGroup& candidate) {
      return ::fnmatch(candidate.match.c_str(), parameter.name.c_str(), 0) == 0;
    });
    group->names.push_back(parameter.name);
    all_names += " " + parameter.name;
  }
  for (std::size_t i = 0; i + 1 < groups.size(); ++i) {
    require_option(!groups[i].names.empty(), "groups",
                   "`groups`: '{}' matches no parameter that is left; there are:{}", groups[i].match,
                   all_names);
  }
  if (groups.back().names.empty()) groups.pop_back();
  return groups;
}

}  // namespace charrnn
