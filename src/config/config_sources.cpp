#include "config/config_sources.hpp"

#include <fmt/format.h>

#include "config/toml.hpp"

namespace charrnn {

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
