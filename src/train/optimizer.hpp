// Adam over the flat buffers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/device.hpp"
#include "models/parameter_layout.hpp"
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
  /// `parameters` and `gradient` are flat buffers by `layout` in the memory of `device`; they must outlive
  /// this.
  Optimizer(const OptimizerConfig& config, const ParameterLayout& layout, std::span<float> parameters,
            std::span<float> gradient, Device device);
  ~Optimizer();

  static constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

  const std::vector<ParameterGroup>& groups() const { return groups_; }

  /// Multiplies the gradient by `scale`, then clips its global norm to config.clip_norm. Returns the norm
  /// between the two, in nats per character.
  double scale_and_clip(double scale);
  /// One update; the rate of each group is its learning rate times `factor`.
  void step(double factor);

  std::int64_t steps() const { return steps_; }
  /// The moments to and from host memory, laid out as the parameters.
  std::vector<float> store_exp_avg() const;
  std::vector<float> store_exp_avg_sq() const;
  void load(std::span<const float> exp_avg, std::span<const float> exp_avg_sq, std::int64_t steps);

 private:
  struct Tensors;
  OptimizerConfig config_;
  std::vector<ParameterGroup> groups_;
  std::int64_t steps_ = 0;
  std::unique_ptr<Tensors> tensors_;
};

}  // namespace charrnn
