#include "train/trainer.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/processor.hpp"
#include "dist/agreement.hpp"
#include "sample/sampler.hpp"
#include "train/replica_check.hpp"
#include "train/snapshot.hpp"
#include "train/validation.hpp"

namespace charrnn {

namespace {

constexpr std::int64_t kSampleLength = 300;

}  // namespace

Trainer::Trainer(const TrainerParts& parts)
    : parts_(parts),
      state_(parts.model, parts.training),
      training_step_(parts.step_parts, parts.training.sharding(), clock_) {
  progress_.best_val_loss = std::numeric_limits<double>::infinity();
}

void Trainer::resume(const Checkpoint& checkpoint) {
  step_ = checkpoint.step;
  progress_ = checkpoint.progress;
  history_ = checkpoint.history;
  // At an epoch's last step the row tells whether the epoch was closed.
  const std::int64_t per_epoch = parts_.training.per_epoch();
  if (checkpoint.data.row != 0) batches_done_ = (step_ - 1) % per_epoch + 1;
  const std::int64_t row = parts_.training.position(epoch(), batches_done_);
  require(checkpoint.data.row == row,
          "the checkpoint stands at row {}, where this program's windows put step {} at row {}: it was "
          "written by "
          "another version",
          checkpoint.data.row, step_, row);
  if (state_.is_carried()) {
    load_hidden(state_.carried(), parts_.training.sharding(), parts_.config.data.columns, checkpoint.hidden);
  }
}

ExitCode Trainer::run() {
  if (step_ == 0) sample();
  while (!stop_) {
    if (epoch_is_over()) end_epoch();
    if (step_ >= parts_.schedule.last_step()) break;
    if (batches_done_ == 0) begin_epoch();
    train_step();
    const RunOptions& run = parts_.config.run;
    if (run.check_every > 0 && step_ % run.check_every == 0) check_ranks();
    const bool validates = run.validate_every > 0 && step_ % run.validate_every == 0;
    if (validates && !epoch_is_over() && !stop_) {
      const std::optional<double> val_loss = validate();
      if (val_loss) parts_.reporter.validation(step_, *val_loss);
      sample();
      if (is_new_best(val_loss)) save(false, true);
    }
    if (run.save_every > 0 && step_ % run.save_every == 0 && !epoch_is_over()) save(false, false);
  }
  if (has_unsaved_) save(false, false);
  parts_.reporter.phase_summary(phases_since({}, characters_));
  return stop_ ? ExitCode::kInterrupted : ExitCode::kDone;
}

void Trainer::begin_epoch() {
  state_.zero();
  progress_.loss_sum = progress_.characters = progress_.seconds = 0;
  epoch_start_ = clock_.seconds();
  epoch_start_characters_ = characters_;
}

void Trainer::train_step() {
  const auto start = std::chrono::steady_clock::now();
  {
    const PhaseScope scope(&clock_, Phase::kData);
    parts_.training.load(epoch(), batches_done_, batch_);
  }
  const double rate = learning_rate(step_);
  const StepOutcome outcome = training_step_.run(
      batch_, state_, step_, rate / parts_.config.optimizer.learning_rate, parts_.signals.received() != 0);
  stop_ = outcome.stop;
  require<UsageError>(
      outcome.finite,
      "the training diverged at step {} (loss {}, gradient norm {}): lower --learning-rate or set "
      "--clip-norm; the newest checkpoint is from before",
      step_, outcome.loss, outcome.gradient_norm);
  ++step_;
  ++batches_done_;
  if (parts_.average != nullptr) parts_.average->update(step_);
  has_unsaved_ = true;

  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  progress_.loss_sum += outcome.loss_sum;
  progress_.characters += static_cast<double>(batch_.all_targets);
  progress_.seconds += seconds;
  progress_.smoothed.add(outcome.loss);
  characters_ += static_cast<double>(batch_.all_targets);
  logged_seconds_ += seconds;
  logged_characters_ += batch_.all_targets;
  if (step_ % parts_.config.run.log_every == 0) {
    last_rate_ = static_cast<double>(logged_characters_) / logged_seconds_;
    parts_.reporter.step({step_, outcome.loss, rate, outcome.gradient_norm, last_rate_});
    logged_seconds_ = 0;
    logged_characters_ = 0;
  }
  parts_.reporter.progress(step_, progress_.smoothed.mean(),
                           last_rate_ > 0 ? last_rate_ : progress_.characters / progress_.seconds);
}

bool Trainer::epoch_is_over() const {
  return batches_done_ == parts_.training.per_epoch();
}

std::int64_t Trainer::epoch() const {
  // After an epoch's last batch it is still that epoch, until end_epoch() has closed it.
  return (epoch_is_over() ? step_ - 1 : step_) / parts_.training.per_epoch();
}

void Trainer::end_epoch() {
  EpochReport report{epoch(),
                     step_,
                     progress_.loss_sum / progress_.characters,
                     progress_.smoothed.mean(),
                     validate(),
                     learning_rate(step_ - 1),
                     progress_.characters / progress_.seconds,
                     progress_.seconds};
  history_.push_back({report.epoch, step_, report.train_loss,
                      report.val_loss.value_or(std::numeric_limits<double>::quiet_NaN()),
                      report.learning_rate, report.seconds});
  const bool best = is_new_best(report.val_loss);
  parts_.reporter.epoch(report, best);
  parts_.reporter.phases(phases_since(epoch_start_, characters_ - epoch_start_characters_));
  sample();
  // The next epoch begins at the columns' tops, with a hidden state of zero.
  batches_done_ = 0;
  state_.zero();
  save(parts_.schedule.ends_cycle(step_), best);
}

PhaseReport Trainer::phases_since(const PhaseSeconds& start, double characters) {
  PhaseReport report{step_, clock_.seconds(), std::nullopt};
  double training = 0;
  for (std::size_t i = 0; i < report.seconds.size(); ++i) {
    report.seconds[i] -= start[i];
    if (i != static_cast<std::size_t>(Phase::kOther)) training += report.seconds[i];
  }
  if (parts_.peak > 0 && training > 0) {
    report.mfu = characters * flop_per_character(parts_.model.layout()) / training / parts_.peak;
  }
  return report;
}

std::optional<double> Trainer::validate() {
  if (parts_.validation == nullptr) return std::nullopt;
  const ScopedAverage averaged(parts_.average);
  return evaluate(parts_.model, *parts_.validation, parts_.control).loss();
}

bool Trainer::is_new_best(std::optional<double> val_loss) {
  if (!val_loss || !(*val_loss < progress_.best_val_loss)) return false;
  progress_.best_val_loss = *val_loss;
  return true;
}

void Trainer::check_ranks() {
  if (parts_.control.size() == 1) return;
  check_replicas(parts_.model.layout(), parts_.model.store_parameters(), step_, parts_.control);
}

void Trainer::save(bool ends_cycle, bool is_best) {
  check_ranks();
  Checkpoint checkpoint;
  if (state_.is_carried()) {
    checkpoint.hidden = gather_hidden(state_.carried(), parts_.training.sharding(),
                                      parts_.config.data.columns, parts_.control);
  } else {
    const std::unique_ptr<HiddenState> none = parts_.model.make_state(0);
    for (const StateSpec& spec : none->specs()) {
      checkpoint.hidden.push_back({spec.name, {spec.layers, 0, spec.width}, {}});
    }
  }
  const std::string path = on_root(parts_.control, [&] {
    checkpoint.step = step_;
    checkpoint.epoch = epoch();
    // A finished cycle's file carries that cycle's number.
    checkpoint.cycle = parts_.schedule.cycle(ends_cycle ? step_ - 1 : step_);
    checkpoint.created_utc = utc_now();
    checkpoint.program_version = CHARRNN_VERSION;
    checkpoint.processor = processor_description();
    checkpoint.config = parts_.config_text;
    checkpoint.settings =
        ModelSettings{parts_.model.config(), parts_.config.data.window, parts_.config.data.predict};
    checkpoint.vocabulary = describe(parts_.vocabulary);
    checkpoint.data = {parts_.corpus.sha256, parts_.corpus.train_characters,
                       parts_.training.position(epoch(), batches_done_), parts_.config.data.columns,
                       parts_.config.data.bptt};
    checkpoint.history = history_;
    checkpoint.progress = progress_;
    const ScopedAverage averaged(parts_.average);
    take(parts_.model, parts_.optimizer, parts_.average, checkpoint);
    return parts_.store.save(checkpoint, ends_cycle, is_best, [&] { parts_.ownership->check(); }).string();
  });
  has_unsaved_ = false;
  parts_.reporter.log("saved " + path);
}

void Trainer::sample() {
  const std::string text = on_root(parts_.control, [&] {
    const ScopedAverage averaged(parts_.average);
    Sampler sampler({&parts_.model}, parts_.vocabulary,
                    {.seed = static_cast<std::uint64_t>(parts_.config.run.seed)}, parts_.config.data.window);
    sampler.prime("");
    std::string written;
    for (std::int64_t i = 0; i < kSampleLength; ++i) written += sampler.next()[0];
    return written;
  });
  parts_.reporter.sample(step_, text);
}

}  // namespace charrnn
