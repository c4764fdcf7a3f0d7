#include "app/loaded_model.hpp"

#include <cstdio>

#include "app/options.hpp"
#include "base/error.hpp"
#include "models/registry.hpp"
#include "train/snapshot.hpp"

namespace charrnn {

LoadedModel load_model(const std::string& path, Device device, const Warn& warn) {
  const std::string file = resolve_checkpoint(path, warn).string();
  Checkpoint checkpoint = read_checkpoint(file);
  RunConfig config = config_of(checkpoint, file);
  Vocabulary vocabulary = vocabulary_of(checkpoint);
  std::unique_ptr<LanguageModel> model = make_model(config.model, vocabulary.size(), device);
  load_weights(*model, checkpoint);
  return {file, std::move(checkpoint), std::move(config), std::move(vocabulary), std::move(model)};
}

RunConfig config_of(const Checkpoint& checkpoint, const std::string& path) {
  RunConfig config;
  try {
    read_config(checkpoint.config, path + "/config", config);
  } catch (const UsageError& error) {
    throw DataError(fmt::format("the checkpoint's config cannot be read: {}", error.what()));
  }
  return config;
}

void warn_on_stderr(const std::string& line) {
  fmt::print(stderr, "charrnn_dist: warning: {}\n", line);
}

}  // namespace charrnn
