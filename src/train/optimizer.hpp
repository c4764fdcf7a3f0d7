// What turns a gradient into an update of the parameters.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/range.hpp"
#include "base/thread_team.hpp"
#include "config/run_config.hpp"
#include "models/language_model.hpp"
#include "train/flat_buffer.hpp"
#include "train/parameter_groups.hpp"

namespace charrnn {

/// Neighbouring parameters of one group: where they, their gradient and the optimizer's state lie.
struct Stretch {
  std::int64_t size;  ///< a multiple of 16
  float* parameters;
  const float* gradient;
  std::span<float* const> state;  ///< by buffer
};

class FusedUpdates;

/// What an update in a device's queue depends on: numbers in the device's memory.
struct QueuedUpdate {
  const float* rates;       ///< learning rate of each group
  const float* divisor;     ///< of the gradient
  const float* leaves_out;  ///< 1: there is no update; else 0
  const float* counts;      ///< 1: the update counts; 0: it is left out
};

/// An optimizer over the flat buffers. It keeps named buffers of state, each laid out as the parameters; a
/// checkpoint stores them by name. A new one is a class with its update() and a row of make_optimizer().
///
///     const std::unique_ptr<Optimizer> optimizer = make_optimizer(config, model, team);
///     optimizer->step(1.0, 1.0);   // after model.train(), on CPUs
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  const std::vector<ParameterGroup>& groups() const { return groups_; }

  /// One update from the model's gradient times `gradient_scale`; the rate of each group is its learning rate times
  /// `factor`. The gradient is left in any state.
  void step(double factor, double gradient_scale);
  /// The same through the device's queue, by LibTorch's fused updates. Always the same work, which can be recorded.
  void queue_step(const QueuedUpdate& numbers);
  /// It has become known that a queued update was done.
  void count_queued_step() { ++steps_; }
  /// Updates done.
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps);

  /// Names of the state's buffers.
  const std::vector<std::string>& buffers() const { return names_; }
  /// A buffer of state to and from host memory, laid out as the parameters.
  std::vector<float> store(std::size_t buffer) const;
  void load(std::size_t buffer, std::span<const float> values);

 protected:
  /// Works on the model's parameters and gradient, in step() with the team's threads; both must outlive this.
  Optimizer(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team, std::vector<std::string> buffers);

  /// One update of some parameters of a group, on any thread. `rate` is the learning rate now.
  virtual void update(const ParameterGroup& group, double rate, double gradient_scale,
                      const Stretch& stretch) const = 0;
  /// The same of all parameters of a group, in a device's queue.
  virtual void queue_update(const ParameterGroup& group, FusedUpdates& updates) const = 0;

 private:
  LanguageModel& model_;
  ThreadTeam& team_;
  std::vector<ParameterGroup> groups_;
  std::vector<std::string> names_;
  std::int64_t steps_ = 0;
  std::vector<FlatBuffer> state_;  ///< by buffer
  FlatBuffer queued_steps_;        ///< one number: updates that the device has done
  /// Of each group: its stretches of the buffers; neighbours in memory are one.
  std::vector<std::vector<Range>> stretches_;
};

/// The optimizer that `config` names.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team);

/// Adam (Kingma & Ba, ICLR 2015) with weight decay as an L2 gradient, as torch.optim.Adam; or `decoupled`, as
/// torch.optim.AdamW (Loshchilov & Hutter, ICLR 2019). State: exp_avg, exp_avg_sq.
std::unique_ptr<Optimizer> make_adam(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team,
                                     bool decoupled);
/// Stochastic gradient descent with momentum and weight decay as an L2 gradient, as torch.optim.SGD. State:
/// momentum_buffer.
std::unique_ptr<Optimizer> make_sgd(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team);

}  // namespace charrnn
