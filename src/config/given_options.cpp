#include "config/given_options.hpp"

#include <fmt/format.h>

#include <utility>

#include "config/toml.hpp"

namespace charrnn {

Value GivenOptions::give(const Option& option, std::string place) {
  places_[&option] = std::move(place);
  return option.member(values_);
}

void GivenOptions::add(const GivenOptions& stronger) {
  stronger.apply(values_);
  for (const auto& [option, place] : stronger.places_) places_[option] = place;
}

void GivenOptions::apply(RunConfig& config) const {
  RunConfig from = values_;
  for (const auto& [option, place] : places_) assign(option->member(from), option->member(config));
}

std::string GivenOptions::place_of(const std::string& key) const {
  const auto found = places_.find(find_option(option_table(), key));
  return found == places_.end() ? "" : found->second;
}

const GivenOptions& ConfigSources::given() {
  if (!both) {
    both = file.empty() ? GivenOptions() : read_toml_file(file, &notes);
    both->add(command_line);
  }
  return *both;
}

std::string ConfigSources::located(const Error& error) const {
  std::string message = error.what();
  const auto* const config_error = dynamic_cast<const ConfigError*>(&error);
  if (config_error == nullptr || !both) return message;
  const std::string place = both->place_of(config_error->key());
  if (place.empty()) return message;
  const std::string key = fmt::format("`{}`", config_error->key());
  const std::size_t at = message.find(key);
  if (at != std::string::npos) message.replace(at, key.size(), config_error->key());
  return fmt::format("{}: {}", place, message);
}

}  // namespace charrnn
