// Adam over the flat buffers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/range.hpp"
#include "base/thread_team.hpp"
#include "models/language_model.hpp"
#include "train/run_config.hpp"

namespace charrnn {

/// Parameters that share a learning rate and a weight decay.
struct ParameterGroup {
  std::string match;  ///< shell pattern of the names; "*" for the rest
  double learning_rate = 0;
  double weight_decay = 0;
  std::vector<std::string> names;
};

/// The groups of a config: those of `groups` in their order (the first match counts), then the rest.
/// UsageError for a group that cannot be read or matches nothing.
std::vector<ParameterGroup> parameter_groups(const OptimizerConfig& config, const ParameterLayout& layout);

/// Adam (Kingma & Ba, ICLR 2015) with betas 0.9 and 0.999 and epsilon 1e-8, weight decay as L2 gradient
/// ("adam", as torch.optim.Adam) or decoupled ("adamw", Loshchilov & Hutter, ICLR 2019).
class Optimizer {
 public:
  /// Works on the model's parameters and gradient, on CPUs with the team's threads; both must outlive this.
  Optimizer(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team);
  ~Optimizer();

  static constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

  const std::vector<ParameterGroup>& groups() const { return groups_; }

  /// For the next step: multiplies the gradient by `scale`, then clips its global norm to config.clip_norm.
  /// Returns the norm between the two, in nats per character.
  double scale_and_clip(double scale);
  /// One update; the rate of each group is its learning rate times `factor`. The gradient is left in any
  /// state.
  void step(double factor);

  std::int64_t steps() const { return steps_; }
  /// The moments to and from host memory, laid out as the parameters.
  std::vector<float> store_exp_avg() const;
  std::vector<float> store_exp_avg_sq() const;
  void load(std::span<const float> exp_avg, std::span<const float> exp_avg_sq, std::int64_t steps);

 private:
  struct Tensors;

  double norm_of_gradient();
  void step_on_cpu(const ParameterGroup& group, std::size_t number, double factor);
  void step_on_gpu(const ParameterGroup& group, std::size_t number, double factor);

  OptimizerConfig config_;
  LanguageModel& model_;
  ThreadTeam& team_;
  std::vector<ParameterGroup> groups_;
  std::int64_t steps_ = 0;
  double scale_ = 1;  ///< of the gradient, in the next step
  std::unique_ptr<Tensors> tensors_;
};

}  // namespace charrnn
