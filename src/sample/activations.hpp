// What goes on in a model while it reads a text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sample/loaded_model.hpp"

namespace charrnn {

/// A text, and after each of its characters the outputs of all units and what the model expects next.
struct Activations {
  std::vector<std::string> characters;  ///< in UTF-8, as they stood in the text; of bytes their symbols
  std::int64_t layers = 0, width = 0, vocabulary = 0;
  std::vector<float> units;   ///< [characters, layers, width], each in [-1, 1]
  std::vector<float> logits;  ///< [characters, vocabulary], of the character that follows

  float unit(std::size_t character, std::int64_t layer, std::int64_t number) const {
    const auto at = static_cast<std::int64_t>(character);
    return units[static_cast<std::size_t>((at * layers + layer) * width + number)];
  }
  std::span<const float> logits_after(std::size_t character) const {
    const auto size = static_cast<std::size_t>(vocabulary);
    return std::span(logits).subspan(character * size, size);
  }
};

/// Reads `text` from a hidden state of zero. DataError for a model that reads windows, and for a text whose activations
/// take more than 64 MB.
///
///     const Activations seen = read_activations(load_model(file, compute), "\"So it is,\" he said");
///     const float first_of_layer_0 = seen.unit(/*character=*/3, 0, 0);
Activations read_activations(const LoadedModel& loaded, std::string_view text);

/// The characters of a text as a model with this vocabulary reads them, one for each token of encode_text().
std::vector<std::string> characters_of(const Vocabulary& vocabulary, std::string_view text);

}  // namespace charrnn
