#include "train/parameter_groups.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/text.hpp"
#include "config/value.hpp"

namespace charrnn {

namespace {

ParameterGroup parse_group(const std::string& text, double default_weight_decay) {
  const std::size_t equals = std::min(text.find('='), text.size());
  const Strings numbers = split(text.substr(std::min(equals + 1, text.size())), ':');
  const auto number = [&](std::size_t i) { return number_in<double>(numbers[i]).value_or(-1); };
  ParameterGroup group{.match = text.substr(0, equals),
                       .learning_rate = numbers.empty() ? -1 : number(0),
                       .weight_decay = numbers.size() > 1 ? number(1) : default_weight_decay,
                       .names = {}};
  const auto is_rate = [](double value) { return std::isfinite(value) && value >= 0; };
  require_option(
      !group.match.empty() && numbers.size() <= 2 && is_rate(group.learning_rate) && is_rate(group.weight_decay),
      "groups", "`groups`: '{}' is not PATTERN=LEARNING_RATE[:WEIGHT_DECAY], such as e.*=1e-3:0", text);
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
    require_option(!groups[i].names.empty(), "groups", "`groups`: '{}' matches no parameter that is left; there are:{}",
                   groups[i].match, all_names);
  }
  if (groups.back().names.empty()) groups.pop_back();
  return groups;
}

}  // namespace charrnn
