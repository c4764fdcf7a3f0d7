#include "sample/activations.hpp"

#include <algorithm>
#include <iterator>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace charrnn {

Activations read_activations(const LoadedModel& loaded, std::string_view text) {
  require(loaded.settings.window == 0, "'{}' reads windows of {} characters, each from a hidden state of zero",
          loaded.path, loaded.settings.window);
  LanguageModel& model = *loaded.model;
  const std::vector<std::int64_t> tokens = encode_text(loaded.vocabulary, text, "the text");
  const std::unique_ptr<HiddenState> state = model.make_state(1);
  const auto& specs = state->specs();
  const auto outputs = std::ranges::find(specs, "h", &StateSpec::name);
  require(outputs != specs.end(), "'{}' has no state h, in which a layer's outputs are", loaded.path);
  const auto which = static_cast<std::size_t>(std::distance(specs.begin(), outputs));
  const std::size_t units = state->size(which), vocabulary = static_cast<std::size_t>(loaded.vocabulary.size());
  constexpr std::size_t kMost = std::size_t{64} << 20;
  require(tokens.size() * (units + vocabulary) <= kMost / sizeof(float),
          "a text of {} characters is too long for {} units: give at most {}", tokens.size(), units,
          kMost / sizeof(float) / (units + vocabulary));

  Activations seen{.characters = characters_of(loaded.vocabulary, text),
                   .layers = outputs->layers,
                   .width = outputs->width,
                   .vocabulary = loaded.vocabulary.size(),
                   .units = std::vector<float>(tokens.size() * units),
                   .logits = std::vector<float>(tokens.size() * vocabulary)};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    model.predict(std::span(tokens).subspan(i, 1), 1, *state,
                  std::span(seen.logits).subspan(i * vocabulary, vocabulary));
    state->store(which, std::span(seen.units).subspan(i * units, units));
  }
  return seen;
}

std::vector<std::string> characters_of(const Vocabulary& vocabulary, std::string_view text) {
  std::vector<std::string> characters;
  if (vocabulary.options().bytes) {
    for (const char byte : text) characters.push_back(vocabulary.symbols()[static_cast<unsigned char>(byte)]);
    return characters;
  }
  for (const char32_t character : decode_text(text, "the text")) {
    if (vocabulary.find(character)) append_utf8(characters.emplace_back(), character);
  }
  return characters;
}

}  // namespace charrnn
