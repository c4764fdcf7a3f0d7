#include "app/loaded_model.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "config/toml.hpp"
#include "train/snapshot.hpp"

namespace charrnn {

LoadedModel load_model(const std::string& path, const Compute& compute, const Warn& warn) {
  const std::string file = resolve_checkpoint(path, warn).string();
  Checkpoint checkpoint = read_checkpoint(file);
  RunConfig config = config_of(checkpoint, file);
  Vocabulary vocabulary = vocabulary_of(checkpoint);
  std::unique_ptr<LanguageModel> model = make_model(config.model, vocabulary.size(), compute);
  load_weights(*model, checkpoint);
  return {file, std::move(checkpoint), std::move(config), std::move(vocabulary), std::move(model)};
}

std::vector<LoadedModel> load_ensemble(const std::vector<std::string>& paths, const Compute& compute,
                                       const Warn& warn) {
  std::vector<LoadedModel> models;
  for (const std::string& path : paths) {
    models.push_back(load_model(path, compute, warn));
    const LoadedModel &first = models.front(), &last = models.back();
    require(last.vocabulary.symbols() == first.vocabulary.symbols() &&
                last.config.data.window == first.config.data.window &&
                last.config.data.predict == first.config.data.predict,
            "'{}' and '{}' cannot predict together: they were trained with different vocabularies or windows",
            first.path, last.path);
  }
  return models;
}

RunConfig config_of(const Checkpoint& checkpoint, const std::string& path, const Warn& note) {
  RunConfig config;
  try {
    Strings notes;
    read_toml(checkpoint.config, path + "/config", UnknownKeys::kIgnore, &notes).apply(config);
    if (note) std::ranges::for_each(notes, note);
  } catch (const UsageError& error) {
    throw DataError(fmt::format("the checkpoint's config cannot be read: {}", error.what()));
  }
  return config;
}

}  // namespace charrnn
