#include "train/optimizer.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "base/error.hpp"
#include "base/range.hpp"
#include "models/flat_tensor.hpp"
#include "train/queued_stretches.hpp"

namespace charrnn {

struct Optimizer::Memory {
  std::vector<at::Tensor> state;  ///< by buffer
  std::deque<AlignedBuffer> cpu;  ///< on CPUs their memory, in large pages
  at::Tensor queued_steps;        ///< updates that the device has done
  /// Of each group: its stretches of the buffers; neighbours in memory are one.
  std::vector<std::vector<Range>> stretches;
};

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
      memory_(std::make_unique<Memory>()) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (model.device().cuda) {
      memory_->state.push_back(at::zeros({model.layout().size()}, options_of(model.device())));
    } else {
      memory_->state.push_back(wrap(memory_->cpu.emplace_back(model.layout().size()).span(), model.device()));
    }
  }
  memory_->queued_steps = at::zeros({}, options_of(model.device()));
  for (const ParameterGroup& group : groups_) {
    memory_->stretches.push_back(stretches_of(group, model.layout()));
  }
}

Optimizer::~Optimizer() = default;

void Optimizer::step(double factor, double gradient_scale) {
  ++steps_;
  float* const parameters = model_.writable_parameters().data();
  float* const gradient = model_.gradient().data();
  team_.run([&](int thread) {
    std::vector<float*> state(names_.size());
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      for (const Range& stretch : memory_->stretches[i]) {
        const Range lines = share_of(stretch.count / ParameterLayout::kAlignment, thread, team_.size());
        const std::int64_t at = stretch.first + lines.first * ParameterLayout::kAlignment;
        std::ranges::transform(memory_->state, state.begin(),
                               [&](const at::Tensor& buffer) { return buffer.data_ptr<float>() + at; });
        update(groups_[i], groups_[i].learning_rate * factor, gradient_scale,
               {lines.count * ParameterLayout::kAlignment, parameters + at, gradient + at, state});
      }
    }
  });
}

void Optimizer::queue_step(const QueuedUpdate& numbers) {
  const c10::NoGradGuard no_grad;
  const Device device = model_.device();
  const auto number = [&](const float* from) { return wrap(std::span(from, 1), device); };
  const at::Tensor parameters = wrap(model_.writable_parameters(), device), gradient = wrap(model_.gradient(), device);
  memory_->queued_steps.add_(number(numbers.counts)[0]);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    QueuedStretches stretches{.rate = number(numbers.rates + i),
                              .divisor = number(numbers.divisor),
                              .leaves_out = number(numbers.leaves_out)};
    stretches.state.resize(names_.size());
    for (const Range& stretch : memory_->stretches[i]) {
      const auto cut = [&](const at::Tensor& buffer) { return buffer.slice(0, stretch.first, stretch.end()); };
      stretches.parameters.push_back(cut(parameters));
      stretches.gradients.push_back(cut(gradient));
      for (std::size_t b = 0; b < names_.size(); ++b) stretches.state[b].push_back(cut(memory_->state[b]));
      stretches.steps.push_back(memory_->queued_steps);
    }
    queue_update(groups_[i], stretches);
  }
}

void Optimizer::set_steps(std::int64_t steps) {
  steps_ = steps;
  memory_->queued_steps.fill_(static_cast<double>(steps));
}

std::vector<float> Optimizer::store(std::size_t buffer) const {
  return to_host(memory_->state[buffer]);
}

void Optimizer::load(std::size_t buffer, std::span<const float> values) {
  from_host(memory_->state[buffer], values);
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team) {
  if (config.optimizer == "adam") return make_adam(config, model, team, /*decoupled=*/false);
  if (config.optimizer == "adamw") return make_adam(config, model, team, /*decoupled=*/true);
  if (config.optimizer == "sgd") return make_sgd(config, model, team);
  throw ConfigError("optimizer", fmt::format("there is no `optimizer` '{}'", config.optimizer));
}

}  // namespace charrnn
