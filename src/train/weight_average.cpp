#include "train/weight_average.hpp"

#include <algorithm>

#include "models/flat_tensor.hpp"

namespace charrnn {

struct WeightAverage::Tensors {
  at::Tensor average;
};

WeightAverage::WeightAverage(LanguageModel& model, double decay)
    : model_(model), decay_(decay), tensors_(std::make_unique<Tensors>()) {
  tensors_->average = wrap(model.parameters(), model.device()).clone();
}

WeightAverage::~WeightAverage() = default;

void WeightAverage::update(std::int64_t steps) {
  const auto n = static_cast<double>(steps);
  tensors_->average.lerp_(wrap(model_.parameters(), model_.device()), 1 - std::min(decay_, (1 + n) / (10 + n)));
}

void WeightAverage::exchange() {
  at::Tensor parameters = wrap(model_.writable_parameters(), model_.device());
  const at::Tensor before = parameters.clone();
  parameters.copy_(tensors_->average);
  tensors_->average = before;
}

std::vector<float> WeightAverage::store() const {
  return to_host(tensors_->average);
}

}  // namespace charrnn
