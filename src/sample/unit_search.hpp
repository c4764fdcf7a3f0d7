// Which units of a model follow something that a reader sees in a text, such as quotes.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sample/activations.hpp"

namespace charrnn {

/// Something that has a value at each character of a text.
struct TextFeature {
  std::string_view name;
  /// Its value after each of the characters.
  std::vector<double> (*values)(std::span<const std::string> characters);
};

/// quotes (1 within them, else 0), line (position in the line), indent (spaces that the line begins with), word (position in
/// the word). UsageError for another name.
const TextFeature& find_feature(std::string_view name);

struct FoundUnit {
  std::int64_t layer = 0, unit = 0;
  double correlation = 0;  ///< Pearson's, in [-1, 1]
};

/// The units whose activations go best with `values`, up or down: the largest |correlation| first. None where the values
/// are all the same. Of units that never change the correlation is 0.
///
///     const Activations seen = read_activations(model, text);
///     const auto found = best_units(seen, find_feature("quotes").values(seen.characters), 10);
std::vector<FoundUnit> best_units(const Activations& seen, std::span<const double> values, std::size_t count);

}  // namespace charrnn
