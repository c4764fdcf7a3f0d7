#include "train/optimizer.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "models/flat_tensor.hpp"

namespace charrnn {

struct Optimizer::Tensors {
  at::Tensor parameters, gradient, exp_avg, exp_avg_sq;
  /// Slices of the four for one group; neighbours in memory are one slice.
  struct Group {
    std::vector<at::Tensor> parameters, gradient, exp_avg, exp_avg_sq, steps;
  };
  std::vector<Group> groups;

  void add_group(const std::vector<const Parameter*>& members, const ParameterLayout& layout) {
    Group group;
    std::int64_t first = 0, last = 0;
    const auto flush = [&] {
      if (first == last) return;
      group.parameters.push_back(parameters.slice(0, first, last));
      group.gradient.push_back(gradient.slice(0, first, last));
      group.exp_avg.push_back(exp_avg.slice(0, first, last));
      group.exp_avg_sq.push_back(exp_avg_sq.slice(0, first, last));
      group.steps.push_back(at::zeros({}, parameters.options()));
    };
    for (const Parameter* member : members) {
      const std::int64_t padded = (member->size + ParameterLayout::kAlignment - 1) /
                                  ParameterLayout::kAlignment * ParameterLayout::kAlignment;
      if (member->offset != last) {
        flush();
        first = member->offset;
      }
      last = std::min(member->offset + padded, layout.size());
    }
    flush();
    groups.push_back(std::move(group));
  }
};

Optimizer::Optimizer(const OptimizerConfig& config, const ParameterLayout& layout,
                     std::span<float> parameters, std::span<float> gradient, Device device)
    : config_(config), groups_(parameter_groups(config, layout)), tensors_(std::make_unique<Tensors>()) {
  tensors_->parameters = wrap(parameters, device);
  tensors_->gradient = wrap(gradient, device);
  tensors_->exp_avg = at::zeros_like(tensors_->parameters);
  tensors_->exp_avg_sq = at::zeros_like(tensors_->parameters);
  for (const ParameterGroup& group : groups_) {
    std::vector<const Parameter*> members;
    for (const Parameter& parameter : layout.parameters()) {
      const bool member =
          std::find(group.names.begin(), group.names.end(), parameter.name) != group.names.end();
      if (member) members.push_back(&parameter);
    }
    tensors_->add_group(members, layout);
  }
}

Optimizer::~Optimizer() = default;

double Optimizer::scale_and_clip(double scale) {
  const double norm = at::linalg_vector_norm(tensors_->gradient).item<double>() * scale;
  const double limit = config_.clip_norm;
  // As torch.nn.utils.clip_grad_norm_: the small number keeps the quotient finite.
  const double clip = limit > 0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0;
  tensors_->gradient.mul_(scale * clip);
  return norm;
}

void Optimizer::step(double factor) {
  const c10::NoGradGuard no_grad;
  ++steps_;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    Tensors::Group& group = tensors_->groups[i];
    for (at::Tensor& steps : group.steps) steps.fill_(static_cast<double>(steps_));
    const double rate = groups_[i].learning_rate * factor;
    if (config_.optimizer == "adamw") {
      at::_fused_adamw_(group.parameters, group.gradient, group.exp_avg, group.exp_avg_sq, {}, group.steps,
                        rate, kBeta1, kBeta2, groups_[i].weight_decay, kEpsilon, false, false);
    } else {
      at::_fused_adam_(group.parameters, group.gradient, group.exp_avg, group.exp_avg_sq, {}, group.steps,
                       rate, kBeta1, kBeta2, groups_[i].weight_decay, kEpsilon, false, false);
    }
  }
}

std::vector<float> Optimizer::store_exp_avg() const {
  return to_host(tensors_->exp_avg);
}
std::vector<float> Optimizer::store_exp_avg_sq() const {
  return to_host(tensors_->exp_avg_sq);
}

void Optimizer::load(std::span<const float> exp_avg, std::span<const float> exp_avg_sq, std::int64_t steps) {
  from_host(tensors_->exp_avg, exp_avg);
  from_host(tensors_->exp_avg_sq, exp_avg_sq);
  steps_ = steps;
}

}  // namespace charrnn
