// What watches a training run: the screen, files, a test.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/activity.hpp"
#include "base/error.hpp"
#include "base/phase_clock.hpp"
#include "config/run_config.hpp"
#include "data/corpus.hpp"

namespace charrnn {

/// What a run is, known before its first step. References are valid during the call only.
struct RunFacts {
  const RunConfig& config;
  std::string config_text;  ///< the same as TOML
  const CorpusSummary& corpus;
  std::string data_shape;  ///< a line: how the text is cut up
  std::int64_t symbols = 0, parameters = 0;
  VocabularyShare share = {};  ///< of the text that the vocabulary knows
  int ranks = 1, threads = 1, hosts = 1;
  std::string ranks_of_hosts = {};  ///< which ranks are on which host
  bool on_gpus = false;
  std::string processor = {};          ///< device_description() of rank 0's
  std::string gpu_links = {};          ///< between the GPUs that rank 0 sees; empty where there are not several
  std::string engine, gradients_over;  ///< descriptions
  double peak = 0;                     ///< floating-point operations a second of all ranks; 0: unknown
  std::int64_t steps_per_epoch = 0, total_steps = 0;
  std::int64_t first_step = 0;  ///< where this attempt begins
  std::int64_t last_step = 0;   ///< where it ends unless it is stopped
  std::string_view limit = {};  ///< the option that ends it there
};

/// After every step.
struct ProgressReport {
  std::int64_t step = 0;     ///< updates done
  double smoothed_loss = 0;  ///< running mean (0.98, bias-corrected), nats per character
  double characters_per_second = 0;
  double seconds_left = 0;  ///< an estimate, validations and saves included
};

/// Every `log-every` steps.
struct StepReport {
  std::int64_t step = 0;
  double loss = 0;  ///< of this step's window, nats per character
  double learning_rate = 0;
  double gradient_norm = 0;
  double characters_per_second = 0;        ///< since the last report
  std::optional<double> noise_scale = {};  ///< in columns, mean of some fifty steps (`noise-scale`)
};

/// After a step whose loss or gradient was not finite: it was left out (`skip-bad-steps`).
struct SkipReport {
  std::int64_t step = 0;
  double loss = 0, gradient_norm = 0;  ///< one of them or both are not finite
  double learning_rate = 0;            ///< that it would have had
  std::int64_t in_a_row = 0;           ///< this one and those just before it
  std::int64_t total = 0;              ///< in the whole run
};

/// After an epoch and its validation.
struct EpochReport {
  std::int64_t epoch = 0, step = 0;
  double train_loss = 0;           ///< mean over the epoch's characters
  double train_loss_smoothed = 0;  ///< the notebook's running mean (0.98, bias-corrected)
  std::optional<double> val_loss = {};
  double learning_rate = 0;  ///< of the epoch's last step
  double characters_per_second = 0;
  double seconds = 0;    ///< spent in training steps
  bool is_best = false;  ///< the lowest validation loss so far, and better than a uniform guess
};

/// A validation that does not close an epoch.
struct ValidationReport {
  std::int64_t step = 0;  ///< that the model is of
  double val_loss = 0;
  std::int64_t characters = 0;  ///< that it predicted
  bool is_best = false;
  bool is_final = false;  ///< on the whole validation part, at the end of the run (`exact-end`)
  /// Mean of the epoch so far, and the rate of its last step. Nothing in a final one.
  std::optional<double> train_loss = {}, learning_rate = {};
};

/// Where the time went.
struct PhaseReport {
  std::int64_t step = 0;
  PhaseSeconds seconds{};
  /// Of the training phases: floating-point operations of the model's products, as a part of what the processors can
  /// do.
  std::optional<double> mfu = {};
  bool whole_run = false;  ///< of the whole run, at its end; else of an epoch
};

/// How a run ended.
struct EndReport {
  std::int64_t step = 0;
  ExitCode code = ExitCode::kDone;
  std::string error = "";  ///< of a run that failed
  std::optional<double> best_val_loss = {}, last_val_loss = {};
  std::int64_t best_step = 0;  ///< that best_val_loss was reached at; 0: unknown
  std::int64_t skipped_steps = 0;
  bool stopped_early = false;  ///< `patience` ran out
  std::int64_t validations_since_best = 0;
};

enum class Severity {
  kNote,     ///< what a person should know
  kWarning,  ///< what a person should do something about
};

/// How messages spell options, which they name by their keys in backticks (`columns`): a command line's --columns.
using Spelling = std::string (*)(const std::string& message);

/// Events come on every rank, in the order of the run, on the thread that trains: an observer that may be slow must
/// hand them to a thread of its own. What an observer throws ends the run.
///
///     struct LossCurve : TrainObserver {
///       void on_step(const StepReport& report) override { losses.push_back(report.loss); }
///       std::vector<double> losses;
///     };
class TrainObserver : public Activity {
 public:
  /// Comes first. The run continues after `step` (0: a new run): drop what was recorded of later steps.
  virtual void rewind(std::int64_t /*step*/) {}
  virtual void on_start(const RunFacts& /*facts*/) {}
  virtual void on_progress(const ProgressReport& /*report*/) {}
  virtual void on_step(const StepReport& /*report*/) {}
  virtual void on_skip(const SkipReport& /*report*/) {}
  virtual void on_validation(const ValidationReport& /*report*/) {}
  virtual void on_epoch(const EpochReport& /*report*/) {}
  virtual void on_phases(const PhaseReport& /*report*/) {}
  /// What the model writes after `step` steps. On rank 0 and the others alike.
  virtual void on_sample(std::int64_t /*step*/, const std::string& /*text*/) {}
  virtual void on_checkpoint(std::int64_t /*step*/, const std::string& /*path*/) {}
  virtual void on_message(Severity /*severity*/, const std::string& /*text*/) {}
  /// Comes last, also when the training fails.
  virtual void on_end(const EndReport& /*report*/) {}

  // Of Activity: on_work() hears how far a validation is, on every rank. wants_stop() is asked once a step and while a
  // validation goes on: if it is true on any rank, all ranks save and stop.
};

/// Several observers as one.
class Observers final : public TrainObserver {
 public:
  explicit Observers(std::span<TrainObserver* const> all) : all_(all.begin(), all.end()) {}

  void rewind(std::int64_t step) override { each(&TrainObserver::rewind, step); }
  void on_start(const RunFacts& facts) override { each(&TrainObserver::on_start, facts); }
  void on_progress(const ProgressReport& report) override { each(&TrainObserver::on_progress, report); }
  void on_step(const StepReport& report) override { each(&TrainObserver::on_step, report); }
  void on_skip(const SkipReport& report) override { each(&TrainObserver::on_skip, report); }
  void on_validation(const ValidationReport& report) override { each(&TrainObserver::on_validation, report); }
  void on_epoch(const EpochReport& report) override { each(&TrainObserver::on_epoch, report); }
  void on_phases(const PhaseReport& report) override { each(&TrainObserver::on_phases, report); }
  void on_sample(std::int64_t step, const std::string& text) override { each(&TrainObserver::on_sample, step, text); }
  void on_checkpoint(std::int64_t step, const std::string& path) override {
    each(&TrainObserver::on_checkpoint, step, path);
  }
  void on_message(Severity severity, const std::string& text) override {
    each(&TrainObserver::on_message, severity, text);
  }
  void on_end(const EndReport& report) override { each(&TrainObserver::on_end, report); }
  void on_work(std::string_view what, std::int64_t done, std::int64_t total) override {
    for (TrainObserver* one : all_) one->on_work(what, done, total);
  }
  bool wants_stop() override {
    bool any = false;
    for (TrainObserver* one : all_) any = one->wants_stop() || any;
    return any;
  }

 private:
  template <class... Parameters, class... Arguments>
  void each(void (TrainObserver::*event)(Parameters...), const Arguments&... arguments) {
    for (TrainObserver* one : all_) (one->*event)(arguments...);
  }

  std::vector<TrainObserver*> all_;
};

}  // namespace charrnn
