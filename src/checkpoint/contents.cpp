#include "checkpoint/contents.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "config/toml.hpp"
#include "models/registry.hpp"

namespace charrnn {

namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace

void cut_tensors(const ParameterLayout& layout, std::span<const float> flat, std::vector<NamedTensor>& tensors) {
  tensors.resize(layout.parameters().size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Parameter& parameter = layout.parameters()[i];
    const auto first = flat.begin() + parameter.offset;
    tensors[i].name = parameter.name;
    tensors[i].shape = parameter.shape;
    tensors[i].values.assign(first, first + parameter.size);
  }
}

const NamedTensor& find_tensor(const std::vector<NamedTensor>& tensors, const std::string& name,
                               const std::vector<std::int64_t>& shape, const std::string& group) {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  require(found != tensors.end(), "the checkpoint lacks {}/{}", group, name);
  require(found->shape == shape, "{}/{} of the checkpoint is {}, the model needs {}", group, name,
          shape_text(found->shape), shape_text(shape));
  return *found;
}

std::vector<float> join_tensors(const ParameterLayout& layout, const std::vector<NamedTensor>& tensors,
                                const std::string& group) {
  std::vector<float> flat(static_cast<std::size_t>(layout.size()));
  for (const Parameter& parameter : layout.parameters()) {
    const NamedTensor& tensor = find_tensor(tensors, parameter.name, parameter.shape, group);
    std::ranges::copy(tensor.values, flat.begin() + parameter.offset);
  }
  require(tensors.size() == layout.parameters().size(), "the checkpoint has {} tensors in {}, the model {}",
          tensors.size(), group, layout.parameters().size());
  return flat;
}

Checkpoint::Vocabulary describe(const Vocabulary& vocabulary) {
  const VocabularyOptions& options = vocabulary.options();
  return {vocabulary.symbols(),
          vocabulary.unknown() ? std::int64_t{*vocabulary.unknown()} : -1,
          vocabulary.padding() ? std::int64_t{*vocabulary.padding()} : -1,
          options.lowercase,
          options.bytes,
          options.full,
          options.min_freq};
}

Vocabulary vocabulary_of(const Checkpoint& checkpoint) {
  const Checkpoint::Vocabulary& stored = checkpoint.vocabulary;
  return Vocabulary::from_symbols(stored.symbols, {stored.bytes, stored.full, stored.lowercase, stored.min_freq});
}

void load_weights(LanguageModel& model, const Checkpoint& checkpoint) {
  model.load_parameters(join_tensors(model.layout(), checkpoint.model, "/model"));
}

RunConfig config_of(const Checkpoint& checkpoint, const std::string& path, const Warn& note) {
  return from_checkpoint(path, [&] {
    RunConfig config;
    Strings notes;
    read_toml(checkpoint.config, "/config", UnknownKeys::kIgnore, &notes).apply(config);
    validate(config);
    parameter_layout(config.model, static_cast<std::int64_t>(checkpoint.vocabulary.symbols.size()));
    if (note) std::ranges::for_each(notes, note);
    return config;
  });
}

RunConfig read_config(const std::string& path, const Warn& note) {
  RunConfig config;
  read_checkpoint(path, Parts::kShapes, [&](const Checkpoint& described) {
    config = config_of(described, path, note);
    return parameter_layout(config.model, std::ssize(described.vocabulary.symbols));
  });
  return config;
}

}  // namespace charrnn
