#include "train/optimizer.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/range.hpp"

namespace charrnn {

namespace {

std::vector<Range> stretches_of(const ParameterGroup& group, const ParameterLayout& layout) {
  std::vector<Range> stretches;
  for (const Parameter& parameter : layout.parameters()) {
    if (std::ranges::find(group.names, parameter.name) == group.names.end()) continue;
    const std::int64_t all = round_up(parameter.size, ParameterLayout::kAlignment);
    if (!stretches.empty() && stretches.back().end() == parameter.offset) {
      stretches.back().count += all;
    } else {
      stretches.push_back({parameter.offset, all});
    }
  }
  return stretches;
}

}  // namespace

Optimizer::Optimizer(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team,
                     std::vector<std::string> buffers)
    : model_(model),
      team_(team),
      groups_(parameter_groups(config, model.layout())),
      names_(std::move(buffers)),
      queued_steps_(model.device(), 1) {
  for (std::size_t i = 0; i < names_.size(); ++i) state_.emplace_back(model.device(), model.layout().size());
  for (const ParameterGroup& group : groups_) stretches_.push_back(stretches_of(group, model.layout()));
}

void Optimizer::step(double factor, double gradient_scale) {
  ++steps_;
  float* const parameters = model_.writable_parameters().data();
  float* const gradient = model_.gradient().data();
  team_.run([&](int thread) {
    std::vector<float*> state(names_.size());
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      for (const Range& stretch : stretches_[i]) {
        const Range lines = share_of(stretch.count / ParameterLayout::kAlignment, thread, team_.size());
        const std::int64_t at = stretch.first + lines.first * ParameterLayout::kAlignment;
        std::ranges::transform(state_, state.begin(),
                               [&](const FlatBuffer& buffer) { return buffer.span().data() + at; });
        update(groups_[i], groups_[i].learning_rate * factor, gradient_scale,
               {lines.count * ParameterLayout::kAlignment, parameters + at, gradient + at, state});
      }
    }
  });
}

void Optimizer::set_steps(std::int64_t steps) {
  steps_ = steps;
  const auto number = static_cast<float>(steps);
  FlatMath(model_.device()).from_host(queued_steps_.span(), {&number, 1});
}

std::vector<float> Optimizer::store(std::size_t buffer) const {
  return FlatMath(model_.device()).to_host(state_[buffer].span());
}

void Optimizer::load(std::size_t buffer, std::span<const float> values) {
  FlatMath(model_.device()).from_host(state_[buffer].span(), values);
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team) {
  if (config.optimizer == "adam") return make_adam(config, model, team, /*decoupled=*/false);
  if (config.optimizer == "adamw") return make_adam(config, model, team, /*decoupled=*/true);
  if (config.optimizer == "sgd") return make_sgd(config, model, team);
  throw ConfigError("optimizer", fmt::format("there is no `optimizer` '{}'", config.optimizer));
}

}  // namespace charrnn
