#include "sample/unit_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.hpp"

namespace charrnn {

namespace {

using Characters = std::span<const std::string>;

std::vector<double> inside_quotes(Characters characters) {
  std::vector<double> values;
  bool inside = false;
  for (const std::string& c : characters) {
    if (c == "\"") inside = !inside;
    if (c == "“" || c == "«") inside = true;
    if (c == "”" || c == "»") inside = false;
    values.push_back(inside ? 1 : 0);
  }
  return values;
}

std::vector<double> position_in_line(Characters characters) {
  std::vector<double> values;
  double position = 0;
  for (const std::string& c : characters) {
    position = c == "\n" ? 0 : position + 1;
    values.push_back(position);
  }
  return values;
}

/// A tab counts as four spaces.
std::vector<double> indentation(Characters characters) {
  constexpr double kTab = 4;
  std::vector<double> values;
  double spaces = 0;
  bool begins = true;
  for (const std::string& c : characters) {
    if (c == "\n") {
      spaces = 0;
      begins = true;
    } else if (begins && (c == " " || c == "\t")) {
      spaces += c == " " ? 1 : kTab;
    } else {
      begins = false;
    }
    values.push_back(spaces);
  }
  return values;
}

/// Letters since the last space.
std::vector<double> position_in_word(Characters characters) {
  std::vector<double> values;
  double position = 0;
  for (const std::string& c : characters) {
    position = c == " " || c == "\n" || c == "\t" ? 0 : position + 1;
    values.push_back(position);
  }
  return values;
}

constexpr std::array kFeatures{
    TextFeature{"quotes", inside_quotes},
    TextFeature{"line", position_in_line},
    TextFeature{"indent", indentation},
    TextFeature{"word", position_in_word},
};

}  // namespace

const TextFeature& find_feature(std::string_view name) {
  const auto found = std::ranges::find(kFeatures, name, &TextFeature::name);
  if (found == kFeatures.end()) {
    std::string names;
    for (const TextFeature& feature : kFeatures) names.append(names.empty() ? "" : ", ").append(feature.name);
    throw UsageError(fmt::format("there is nothing called '{}' to search for; there are {}", name, names));
  }
  return *found;
}

std::vector<FoundUnit> best_units(const Activations& seen, std::span<const double> values, std::size_t count) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / std::max(n, 1.0);
  double spread = 0;
  for (const double value : values) spread += (value - mean) * (value - mean);
  if (spread == 0) return {};
  std::vector<FoundUnit> found;
  for (std::int64_t layer = 0; layer < seen.layers; ++layer) {
    for (std::int64_t unit = 0; unit < seen.width; ++unit) {
      double sum = 0, squares = 0, products = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double activation = seen.unit(i, layer, unit);
        sum += activation;
        squares += activation * activation;
        products += activation * (values[i] - mean);
      }
      const double unit_spread = squares - sum * sum / n;
      constexpr double kRounding = 1e-9;
      found.push_back({layer, unit, unit_spread > kRounding * n ? products / std::sqrt(unit_spread * spread) : 0});
    }
  }
  const std::size_t kept = std::min(count, found.size());
  std::partial_sort(
      found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(),
      [](const FoundUnit& a, const FoundUnit& b) { return std::abs(a.correlation) > std::abs(b.correlation); });
  found.resize(kept);
  return found;
}

}  // namespace charrnn
