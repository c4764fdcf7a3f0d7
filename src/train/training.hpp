// One training: text, model, optimizer and the way to sum gradients, put together from a config.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "config/run_config.hpp"
#include "dist/control_communicator.hpp"
#include "models/engine.hpp"
#include "models/language_model.hpp"
#include "train/gradient_reducer.hpp"
#include "train/noise_scale.hpp"
#include "train/observer.hpp"
#include "train/optimizer.hpp"
#include "train/reduction_mode.hpp"
#include "train/saver.hpp"
#include "train/schedule.hpp"
#include "train/snapshot.hpp"
#include "train/text_data.hpp"
#include "train/training_step.hpp"
#include "train/weight_average.hpp"

namespace charrnn {

/// How a training ended. A stopped one can be resumed.
struct TrainOutcome {
  ExitCode code = ExitCode::kDone;  ///< kDone, or kInterrupted
  std::int64_t step = 0;
};

/// What a training begins with: fresh parameters, or one of the two checkpoints.
struct StartFrom {
  std::filesystem::path resume = {};     ///< continues its run
  std::filesystem::path init_from = {};  ///< its weights and vocabulary, for a run of its own, on any text
  bool extend_vocabulary = false;        ///< with init_from: the text's further symbols get fresh rows
};

/// Everything is collective over the ranks of `control`.
///
///     SelfCommunicator alone;
///     LossCurve losses;
///     TrainObserver* observers[] = {&losses};
///     Training::run(config, MemoryText("…"), alone, observers);
class Training {
 public:
  /// Reads the text, chooses device and threads, makes the model, loads the checkpoint if there is one. `control`
  /// must outlive it. Interrupted on all ranks if the activity of one wants to stop while the text is read. DataError
  /// for a checkpoint of another model, one of another text to resume, one whose vocabulary cannot write the text, or a
  /// position that the run does not come to; ConfigError for options that do not fit the checkpoint to start with.
  Training(RunConfig config, const TextSource& text, ControlCommunicator& control, Activity& activity,
           const StartFrom& from = {});
  ~Training();
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  /// Continues from a checkpoint in memory, of a run with the text's own vocabulary.
  void resume(const Checkpoint& checkpoint);

  /// A line that the observers get when the run starts.
  void add_note(std::string line) { notes_.push_back(std::move(line)); }

  /// Trains to the end, or until an observer wants to stop. `sink` may be null: nothing is saved. Once.
  TrainOutcome run(std::span<TrainObserver* const> observers, const std::shared_ptr<CheckpointSink>& sink);
  /// A training from its beginning to its end, nothing saved.
  static TrainOutcome run(const RunConfig& config, const TextSource& text, ControlCommunicator& control,
                          std::span<TrainObserver* const> observers);

  const RunConfig& config() const { return config_; }
  LanguageModel& model() { return *model_; }
  Batches& batches() { return *data_.training; }
  const Resources& resources() const { return resources_; }
  Communicator& gradients() { return *gradients_; }
  const Engine& engine() const { return *engine_; }  ///< that computes the model
  /// Names of others that could compute it here.
  std::vector<std::string> other_engines() const;
  /// The first step of a run: 0 unless it was resumed.
  std::int64_t first_step() const { return position_.step; }
  /// Of the best validation that a resumed run goes by; 0: none yet.
  std::int64_t best_step() const { return position_.progress.best_step; }
  /// Of a training step with this model and optimizer. For one TrainingStep: a GPU records where its numbers lie.
  StepParts step_parts();
  /// Steps are queued on this device; on a GPU that is so from the start.
  void queue_steps(std::unique_ptr<StepDevice> device);
  /// Floating-point operations a second of all ranks' CPUs in matrix products, measured while all compute; 0 on GPUs.
  double measure_products();

 private:
  void resume(const std::filesystem::path& file);
  void init_from(const std::filesystem::path& file);
  /// What to say of a resume that has no step to do; empty if there is one.
  std::string nothing_left() const;
  void tell_vocabulary(const StartFrom& from);
  std::unique_ptr<LanguageModel> make_model_here();
  void start_average();
  RunFacts facts(double peak) const;

  const RunConfig config_;
  ControlCommunicator& control_;
  ReductionMode mode_;
  TrainingData data_;
  Resources resources_;
  std::vector<std::string> notes_;
  std::string unknown_advice_;  ///< what helps where much of the text is unknown
  Device device_;
  Precision precision_;
  ThreadTeam team_;
  const Engine* engine_ = nullptr;
  std::unique_ptr<LanguageModel> model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Communicator> gradients_;
  std::unique_ptr<GradientReducer> reducer_;
  std::unique_ptr<StepDevice> step_device_;  ///< null: steps are not queued
  std::optional<WeightAverage> average_;
  std::optional<NoiseScale> noise_;
  Schedule schedule_;
  BatchState state_;
  RunPosition position_;
  std::optional<CheckpointHeader> resumed_;
};

}  // namespace charrnn
