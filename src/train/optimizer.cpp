#include "train/optimizer.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/rounding.hpp"
#include "models/flat_tensor.hpp"
#include "models/native/aligned_buffer.hpp"
#include "models/native/kernels.hpp"

namespace charrnn {

struct Optimizer::Tensors {
  at::Tensor parameters, gradient, exp_avg, exp_avg_sq;
  std::array<AlignedBuffer, 2> averages;  ///< on CPUs the memory of those two, in large pages
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

Optimizer::Optimizer(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team)
    : config_(config),
      model_(model),
      team_(team),
      groups_(parameter_groups(config, model.layout())),
      tensors_(std::make_unique<Tensors>()) {
  tensors_->parameters = wrap(model.parameters(), model.device());
  tensors_->gradient = wrap(model.gradient(), model.device());
  if (model.device().cuda) {
    tensors_->exp_avg = at::zeros_like(tensors_->parameters);
    tensors_->exp_avg_sq = at::zeros_like(tensors_->parameters);
  } else {
    for (AlignedBuffer& average : tensors_->averages) average.grow(model.layout().size());
    tensors_->exp_avg = wrap(tensors_->averages[0].span(), model.device());
    tensors_->exp_avg_sq = wrap(tensors_->averages[1].span(), model.device());
  }
  for (const ParameterGroup& group : groups_) {
    tensors_->stretches.push_back(stretches_of(group, model.layout()));
  }
}

Optimizer::~Optimizer() = default;

double Optimizer::scale_and_clip(double scale) {
  const double norm = norm_of_gradient() * scale;
  const double limit = config_.clip_norm;
  // As torch.nn.utils.clip_grad_norm_: the small number keeps the quotient finite.
  const double clip = limit > 0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0;
  scale_ = scale * clip;
  if (model_.device().cuda) tensors_->gradient.mul_(scale_);
  return norm;
}

double Optimizer::norm_of_gradient() {
  if (model_.device().cuda) return at::linalg_vector_norm(tensors_->gradient).item<double>();
  constexpr std::int64_t kBlock = 1 << 16;  // whatever the number of threads, so that the sum has one order
  const std::span<const float> gradient = model_.gradient();
  const std::int64_t size = std::ssize(gradient), blocks = (size + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  team_.run([&](int thread) {
    const Range mine = share_of(blocks, thread, team_.size());
    for (std::int64_t block = mine.first; block < mine.end(); ++block) {
      const std::int64_t first = block * kBlock;
      sums[static_cast<std::size_t>(block)] =
          kernels().sum_of_squares(std::min(kBlock, size - first), gradient.data() + first);
    }
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

void Optimizer::step(double factor) {
  ++steps_;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (model_.device().cuda) {
      step_on_gpu(groups_[i], i, factor);
    } else {
      step_on_cpu(groups_[i], i, factor);
    }
  }
  model_.parameters_changed();
}

void Optimizer::step_on_cpu(const ParameterGroup& group, std::size_t number, double factor) {
  const bool decoupled = config_.optimizer == "adamw";
  const double rate = group.learning_rate * factor, n = static_cast<double>(steps_);
  const AdamRates rates{.rest1 = static_cast<float>(1 - kBeta1),
                        .rest2 = static_cast<float>(1 - kBeta2),
                        .beta2 = static_cast<float>(kBeta2),
                        .epsilon = static_cast<float>(kEpsilon),
                        .step_size = static_cast<float>(rate / (1 - std::pow(kBeta1, n))),
                        .per_root_bias = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, n))),
                        .gradient_scale = static_cast<float>(scale_),
                        .weight_decay = static_cast<float>(decoupled ? 0 : group.weight_decay),
                        .shrink = static_cast<float>(decoupled ? 1 - rate * group.weight_decay : 1)};
  float *parameters = model_.parameters().data(), *gradient = model_.gradient().data();
  float *exp_avg = tensors_->exp_avg.data_ptr<float>(), *exp_avg_sq = tensors_->exp_avg_sq.data_ptr<float>();
  team_.run([&](int thread) {
    for (const Range& stretch : tensors_->stretches[number]) {
      const Range lines = share_of(stretch.count / ParameterLayout::kAlignment, thread, team_.size());
      const std::int64_t at = stretch.first + lines.first * ParameterLayout::kAlignment;
      kernels().adam(lines.count * ParameterLayout::kAlignment, parameters + at, gradient + at, exp_avg + at,
                     exp_avg_sq + at, rates);
    }
  });
}

void Optimizer::step_on_gpu(const ParameterGroup& group, std::size_t number, double factor) {
  const c10::NoGradGuard no_grad;
  std::array<std::vector<at::Tensor>, 4> slices;
  std::vector<at::Tensor> steps;
  for (const Range& stretch : tensors_->stretches[number]) {
    std::size_t i = 0;
    for (const at::Tensor* buffer :
         {&tensors_->parameters, &tensors_->gradient, &tensors_->exp_avg, &tensors_->exp_avg_sq}) {
      slices[i++].push_back(buffer->slice(0, stretch.first, stretch.end()));
    }
    steps.push_back(at::full({}, static_cast<double>(steps_), tensors_->parameters.options()));
  }
  const double rate = group.learning_rate * factor;
  if (config_.optimizer == "adamw") {
    at::_fused_adamw_(slices[0], slices[1], slices[2], slices[3], {}, steps, rate, kBeta1, kBeta2,
                      group.weight_decay, kEpsilon, false, false);
  } else {
    at::_fused_adam_(slices[0], slices[1], slices[2], slices[3], {}, steps, rate, kBeta1, kBeta2,
                     group.weight_decay, kEpsilon, false, false);
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
