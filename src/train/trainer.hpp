// The training loop. Read trainer.cpp top to bottom to see how the parts work together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/ownership.hpp"
#include "checkpoint/store.hpp"
#include "config/run_config.hpp"
#include "data/corpus.hpp"
#include "report/reporter.hpp"
#include "train/batch_state.hpp"
#include "train/gradient_reducer.hpp"
#include "train/optimizer.hpp"
#include "train/schedule.hpp"
#include "train/stop_signals.hpp"
#include "train/training_step.hpp"
#include "train/weight_average.hpp"

namespace charrnn {

/// What a trainer works with. Everything outlives it.
struct TrainerParts {
  const RunConfig& config;
  const CorpusSummary& corpus;
  const Vocabulary& vocabulary;
  const Schedule& schedule;
  Batches& training;
  Batches* validation;  ///< null: the text has no validation part
  LanguageModel& model;
  Optimizer& optimizer;
  WeightAverage* average;  ///< null: none
  const StopSignals& signals;
  Communicator& control;  ///< for everything but gradients
  StepParts step_parts;
  const CheckpointStore& store;
  const Ownership* ownership;  ///< null except on rank 0
  Reporter& reporter;
  std::string config_text;  ///< the effective config, for checkpoints
  double peak = 0;          ///< floating-point operations a second that all ranks together can do; 0: unknown
};

class Trainer {
 public:
  explicit Trainer(const TrainerParts& parts);

  /// Takes up where a checkpoint left off (model and optimizer have been loaded by the caller).
  void resume(const Checkpoint& checkpoint);

  /// Trains to the end, or until a signal. Every rank returns the same: kDone or kInterrupted, a checkpoint
  /// saved.
  ExitCode run();

  std::int64_t step() const { return step_; }

 private:
  void begin_epoch();
  void train_step();
  void end_epoch();
  std::optional<double> validate();
  void check_ranks();  ///< that all hold the same parameters
  void save(bool ends_cycle, bool is_best);
  void sample();
  bool is_new_best(std::optional<double> val_loss);
  /// Where the time went since `start`, while so many characters were trained on.
  PhaseReport phases_since(const PhaseSeconds& start, double characters);
  double learning_rate(std::int64_t step) const { return parts_.schedule.at(step); }
  bool epoch_is_over() const;  ///< all batches done, end_epoch() still to come
  std::int64_t epoch() const;

  TrainerParts parts_;
  BatchState state_;
  PhaseClock clock_;
  TrainingStep training_step_;

  std::int64_t step_ = 0;
  std::int64_t batches_done_ = 0;  ///< of this epoch
  bool stop_ = false;              ///< some rank has a signal
  bool has_unsaved_ = false;       ///< steps since the last checkpoint

  Checkpoint::Progress progress_;
  std::vector<EpochRecord> history_;
  Batch batch_;
  double characters_ = 0;  ///< trained on since the program started
  PhaseSeconds epoch_start_{};
  double epoch_start_characters_ = 0;
  double last_rate_ = 0;       ///< characters per second, for the screen
  double logged_seconds_ = 0;  ///< since the last step report
  std::int64_t logged_characters_ = 0;
};

}  // namespace charrnn
