// Numbers of a training that go wrong while it goes on: said in a line when it happens, and changed in nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/running_mean.hpp"

namespace charrnn {

/// The median of the last kLength values. Exact; a value costs a search and two moves within 2 KB.
class RunningMedian {
 public:
  static constexpr std::size_t kLength = 256;

  void add(double value);
  std::size_t count() const { return sorted_.size(); }
  /// Of at least one value.
  double median() const { return sorted_[sorted_.size() / 2]; }

 private:
  std::vector<double> sorted_;
  std::vector<double> values_;  ///< in the order they came; once there are kLength, the oldest is at next_
  std::size_t next_ = 0;
};

/// Says when one of these begins, and is silent until it was over and begins again:
///
/// - the mean loss of kBlock steps is above the *uniform guess*, log(symbols), which a model that has learned nothing
///   reaches. The first block does not count, nor the twentieth part by which fresh parameters may lie above it;
/// - the gradient's norm is kSpike times its running median. It is over after kCalm steps below that;
/// - a validation loss is above the uniform guess, or so far above the best one that more than half of what was
///   learned, and half a nat, is lost. The restarts of `sgdr` cost less. Where the training loss is low it is
///   overfitting.
///
/// It sees only what all ranks know alike, and says the same on each. It keeps nothing over a resume: a bad state that
/// lasts is said once more by every attempt.
///
///     HealthWatch watch(82, 0, [](const std::string& line) { std::puts(line.c_str()); });
///     watch.after_step(1, 4.41, 0.7);
class HealthWatch {
 public:
  static constexpr std::int64_t kBlock = 100, kCalm = 100, kEnoughNorms = 50;
  static constexpr double kSpike = 1000;

  /// `clip_norm`: the limit of the gradient's norm that is in force, which decides what to advise; 0: none.
  HealthWatch(std::int64_t symbols, double clip_norm, std::function<void(const std::string&)> warn);

  /// After step number `step`, from 1, if its numbers are finite: the mean loss in nats, the norm before clipping.
  void after_step(std::int64_t step, double loss, double gradient_norm);
  /// After a validation; `best_loss` is infinity where none was better than the uniform guess yet.
  void after_validation(std::int64_t step, double loss, double best_loss);

 private:
  void watch_losses(std::int64_t step, double loss);
  void watch_norms(std::int64_t step, double norm);
  /// "a uniform guess among 82 symbols has 4.4067".
  std::string uniform_guess() const;

  std::int64_t symbols_;
  double uniform_;
  std::string advice_;
  std::function<void(const std::string&)> warn_;

  RunningMean smoothed_;  ///< of the losses
  double block_sum_ = 0;
  std::int64_t block_count_ = 0;
  bool is_first_block_ = true, loss_is_high_ = false;

  RunningMedian norms_;
  std::int64_t calm_steps_ = kCalm;  ///< since the norm was last too large, up to kCalm

  bool validation_is_high_ = false;
};

}  // namespace charrnn
