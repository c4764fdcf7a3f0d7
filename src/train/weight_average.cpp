#include "train/weight_average.hpp"

#include <algorithm>
#include <utility>

namespace charrnn {

WeightAverage::WeightAverage(LanguageModel& model, double decay)
    : model_(model),
      decay_(decay),
      average_(model.device(), model.layout().size()),
      spare_(model.device(), model.layout().size()) {
  FlatMath(model.device()).copy(average_.span(), model.parameters());
}

void WeightAverage::update(std::int64_t steps) {
  const auto n = static_cast<double>(steps);
  FlatMath(model_.device()).lerp(average_.span(), model_.parameters(), 1 - std::min(decay_, (1 + n) / (10 + n)));
}

void WeightAverage::exchange() {
  const FlatMath math(model_.device());
  const std::span<float> parameters = model_.writable_parameters();
  math.copy(spare_.span(), parameters);
  math.copy(parameters, average_.span());
  std::swap(average_, spare_);
}

std::vector<float> WeightAverage::store() const {
  return FlatMath(model_.device()).to_host(average_.span());
}

}  // namespace charrnn
