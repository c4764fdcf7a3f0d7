#include "train/weight_average.hpp"

#include <algorithm>

#include "models/flat_tensor.hpp"

namespace charrnn {

struct WeightAverage::Tensors {
  at::Tensor parameters, average;
};

WeightAverage::WeightAverage(std::span<float> parameters, Device device, double decay)
    : decay_(decay), tensors_(std::make_unique<Tensors>()) {
  tensors_->parameters = wrap(parameters, device);
  tensors_->average = tensors_->parameters.clone();
}

WeightAverage::~WeightAverage() = default;

void WeightAverage::update(std::int64_t steps) {
  const auto n = static_cast<double>(steps);
  tensors_->average.lerp_(tensors_->parameters, 1 - std::min(decay_, (1 + n) / (10 + n)));
}

void WeightAverage::exchange() {
  const at::Tensor parameters = tensors_->parameters.clone();
  tensors_->parameters.copy_(tensors_->average);
  tensors_->average = parameters;
}

std::vector<float> WeightAverage::store() const {
  return to_host(tensors_->average);
}

}  // namespace charrnn
