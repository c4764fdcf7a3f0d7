// The training loop. Read trainer.cpp top to bottom to see how the parts work together.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "train/batch_state.hpp"
#include "train/health.hpp"
#include "train/observer.hpp"
#include "train/pace.hpp"
#include "train/saver.hpp"
#include "train/schedule.hpp"
#include "train/training.hpp"
#include "train/training_step.hpp"
#include "train/validation.hpp"

namespace charrnn {

/// What a trainer works with. Everything outlives it.
struct TrainerParts {
  const RunConfig& config;
  const Schedule& schedule;
  Batches& batches;
  const Vocabulary& vocabulary;
  StepParts step;
  WeightAverage* average;  ///< null: none
  Validator& validator;
  const SnapshotMaker& snapshots;
  Communicator& control;  ///< for everything but gradients
  TrainObserver& observer;
  std::shared_ptr<CheckpointSink> sink;  ///< null: nothing is saved
  double peak = 0;  ///< floating-point operations a second that all ranks together can do; 0: unknown
};

class Trainer {
 public:
  /// Starts at `start`, with `state` as it is there; the model and the optimizer are there already.
  Trainer(const TrainerParts& parts, RunPosition start, BatchState& state);

  /// Trains to the end, or until an observer wants to stop. Every rank returns the same, all of it saved. Reports
  /// its end to the observers, also when it throws.
  TrainOutcome run();

 private:
  void train();
  void report_end(ExitCode code, const std::string& error);
  void begin_epoch();
  /// To the end of one more step; where steps run ahead, the next one may have begun then.
  void train_step();
  /// A step that has begun and whose outcome is not known yet.
  struct OpenStep {
    double rate;
    double characters;  ///< of the whole batch
  };
  void begin_step(std::int64_t step, std::int64_t batch);
  bool next_step_follows() const;  ///< nothing comes between the step that is open and the next one
  void end_step(const OpenStep& open, const StepOutcome& outcome);
  void count(const StepOutcome& outcome, double characters);
  /// Instead, for a step whose loss or gradient is not finite. ConfigError if there are too many in a row.
  void leave_out(const StepOutcome& outcome, double rate);
  void end_epoch();
  /// Also the end of a cycle that ends there.
  void validate_within_epoch();
  bool validation_is_due() const;  ///< here, within an epoch, and not done yet
  /// Nothing where there is no validation part, or if it was stopped.
  std::optional<Evaluation> validate();
  /// On the whole validation part: the model as it is at the end, and the best one.
  void validate_exactly();
  void check_ranks();  ///< that all hold the same parameters
  void save(bool ends_cycle, bool is_best);
  void sample();
  /// What plateau and patience go by.
  void note_validation(const std::optional<Evaluation>& evaluation);
  bool is_new_best(std::optional<double> val_loss);
  void watch(const std::optional<double>& val_loss);
  bool is_out_of_patience() const;
  double rate_of_last_step() const;
  /// Where the time went since `start`, while `characters` were trained on.
  PhaseReport phases_since(const PhaseSeconds& start, double characters);
  bool epoch_is_over() const;  ///< all batches done, end_epoch() still to come
  std::int64_t epoch() const;
  bool is_due(std::int64_t every) const { return is_due(every, position_.step); }
  static bool is_due(std::int64_t every, std::int64_t step) { return every > 0 && step % every == 0; }

  TrainerParts parts_;
  BatchState& state_;
  PhaseClock clock_;
  std::unique_ptr<TrainingStep> training_step_;
  Saver saver_;
  Batch batch_;
  std::deque<OpenStep> open_;  ///< the oldest first
  HealthWatch health_;

  RunPosition position_;
  bool stop_ = false;         ///< some rank wants to stop
  bool has_unsaved_ = false;  ///< steps or a validation since the last checkpoint
  bool save_is_due_ = false;  ///< by the clock
  Pace pace_;
  std::optional<double> last_val_loss_;

  std::chrono::steady_clock::time_point step_start_;
  double characters_ = 0;  ///< trained on since the program started
  PhaseSeconds epoch_start_{};
  double epoch_start_characters_ = 0;
};

}  // namespace charrnn
