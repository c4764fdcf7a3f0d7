#include "sample/loaded_model.hpp"

#include <optional>

#include "base/error.hpp"
#include "checkpoint/contents.hpp"

namespace charrnn {

namespace {

ModelSettings settings_of(const Checkpoint& checkpoint, const std::string& path) {
  ModelSettings settings;
  if (checkpoint.settings) {
    settings = *checkpoint.settings;
  } else {
    const RunConfig config = config_of(checkpoint, path);
    settings = {config.model, config.data.window, config.data.predict};
  }
  require(settings.window >= 0 && settings.window <= kLongestWindow, "its window of {} characters is not in 0 … {}",
          settings.window, kLongestWindow);
  require(settings.predict == "every" || settings.predict == "last", "it predicts '{}', not every or last",
          settings.predict);
  return settings;
}

}  // namespace

LoadedModel load_model(const std::string& file, const Compute& compute, Parts parts) {
  ModelSettings settings;
  std::optional<Vocabulary> vocabulary;
  Checkpoint checkpoint = read_checkpoint(file, parts, [&](const Checkpoint& described) {
    return from_checkpoint(file, [&] {
      settings = settings_of(described, file);
      vocabulary = vocabulary_of(described);
      return parameter_layout(settings.model, vocabulary->size());
    });
  });
  std::unique_ptr<LanguageModel> model = make_model(settings.model, vocabulary->size(), compute);
  load_weights(*model, checkpoint);
  checkpoint.model.clear();
  return {file, std::move(checkpoint), std::move(settings), *std::move(vocabulary), std::move(model)};
}

std::vector<LoadedModel> load_ensemble(const std::vector<std::string>& files, const Compute& compute, Parts parts) {
  std::vector<LoadedModel> models;
  for (const std::string& file : files) {
    models.push_back(load_model(file, compute, parts));
    const LoadedModel &first = models.front(), &last = models.back();
    require(last.vocabulary.symbols() == first.vocabulary.symbols() && last.settings.window == first.settings.window &&
                last.settings.predict == first.settings.predict,
            "'{}' and '{}' cannot predict together: they were trained with different vocabularies or windows",
            first.path, last.path);
  }
  return models;
}

}  // namespace charrnn
