#include "models/parameter_layout.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "base/random.hpp"
#include "base/range.hpp"
#include "base/sha256.hpp"

namespace charrnn {

void ParameterLayout::add(Parameter parameter) {
  parameter.offset = size_;
  parameter.size =
      std::accumulate(parameter.shape.begin(), parameter.shape.end(), std::int64_t{1}, std::multiplies<>());
  size_ += round_up(parameter.size, kAlignment);
  parameters_.push_back(std::move(parameter));
}

std::int64_t ParameterLayout::count() const {
  return std::accumulate(parameters_.begin(), parameters_.end(), std::int64_t{0},
                         [](std::int64_t sum, const Parameter& parameter) { return sum + parameter.size; });
}

std::span<const Parameter> ParameterLayout::of_layer(std::int64_t layer) const {
  // The embedding comes before the layers, the decoder's weight and bias after them.
  const auto layers = std::span(parameters_).subspan(1, parameters_.size() - 3);
  return {std::ranges::lower_bound(layers, layer, {}, &Parameter::layer),
          std::ranges::upper_bound(layers, layer, {}, &Parameter::layer)};
}

std::vector<Range> ParameterLayout::parts_from_the_top() const {
  std::vector<Range> parts;
  std::int64_t end = size_;
  // A layer's first parameter begins its part; the first layer's part has the embedding, too.
  for (std::size_t i = parameters_.size(); i-- > 1;) {
    const Parameter& parameter = parameters_[i];
    if (parameter.layer < 1 || parameters_[i - 1].layer == parameter.layer) continue;
    parts.push_back({parameter.offset, end - parameter.offset});
    end = parameter.offset;
  }
  parts.push_back({0, end});
  return parts;
}

double flop_per_character(const ParameterLayout& layout) {
  double weights = 0;
  for (const Parameter& parameter : layout.parameters()) {
    const bool is_factor = parameter.role == Role::kWeight || parameter.role == Role::kRecurrentWeight;
    if (is_factor) weights += static_cast<double>(parameter.size);
  }
  return 6 * weights;
}

void initialise(const ParameterLayout& layout, std::uint64_t seed, std::span<float> flat) {
  std::fill(flat.begin(), flat.end(), 0.0F);
  for (std::size_t i = 0; i < layout.parameters().size(); ++i) {
    const Parameter& parameter = layout.parameters()[i];
    const std::span<float> values =
        flat.subspan(static_cast<std::size_t>(parameter.offset), static_cast<std::size_t>(parameter.size));
    if (parameter.initialisation == Initialisation::kIdentity) {
      const auto columns = static_cast<std::size_t>(parameter.shape.at(1));
      for (std::size_t row = 0; row < values.size() / columns; ++row) {
        values[row * columns + row % columns] = 1;
      }
      continue;
    }
    if (parameter.initialisation == Initialisation::kConstant) {
      std::ranges::fill(values, static_cast<float>(parameter.bound));
      continue;
    }
    RandomStream random(seed, Purpose::kParameters, i);
    for (float& value : values) {
      value = static_cast<float>(parameter.initialisation == Initialisation::kNormal
                                     ? random.normal()
                                     : parameter.bound * (2 * random.uniform() - 1));
    }
  }
}

std::string hash_parameters(const ParameterLayout& layout, std::span<const float> flat) {
  std::vector<const Parameter*> sorted;
  for (const Parameter& parameter : layout.parameters()) sorted.push_back(&parameter);
  std::sort(sorted.begin(), sorted.end(), [](const Parameter* a, const Parameter* b) { return a->name < b->name; });
  Sha256 digest;
  for (const Parameter* parameter : sorted) {
    digest.update(flat.data() + parameter->offset, static_cast<std::size_t>(parameter->size) * sizeof(float));
  }
  return digest.hex();
}

}  // namespace charrnn
