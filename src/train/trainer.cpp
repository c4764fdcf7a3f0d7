#include "train/trainer.hpp"

#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "dist/agreement.hpp"
#include "sample/sampler.hpp"
#include "train/replica_check.hpp"

namespace charrnn {

Trainer::Trainer(const TrainerParts& parts, RunPosition start, BatchState& state)
    : parts_(parts),
      state_(state),
      training_step_(parts.step, parts.batches.sharding(), clock_),
      position_(std::move(start)) {}

TrainOutcome Trainer::run() {
  try {
    train();
  } catch (const std::exception& error) {
    const auto* const known = dynamic_cast<const Error*>(&error);
    try {
      report_end(known != nullptr ? known->code() : ExitCode::kBug, error.what());
    } catch (const std::exception&) {  // the first error is the one to tell
    }
    throw;
  }
  const TrainOutcome outcome{stop_ ? ExitCode::kInterrupted : ExitCode::kDone, position_.step};
  report_end(outcome.code, "");
  return outcome;
}

void Trainer::report_end(ExitCode code, const std::string& error) {
  EndReport end{position_.step, code, error, std::nullopt, last_val_loss_};
  if (std::isfinite(position_.progress.best_val_loss)) end.best_val_loss = position_.progress.best_val_loss;
  parts_.observer.on_end(end);
}

void Trainer::train() {
  const RunOptions& options = parts_.config.run;
  if (position_.step == 0) sample();
  while (!stop_) {
    if (epoch_is_over()) end_epoch();
    if (position_.step >= parts_.schedule.last_step()) break;
    if (position_.batches_done == 0) begin_epoch();
    train_step();
    if (is_due(options.check_every)) check_ranks();
    if (is_due(options.validate_every) && !epoch_is_over() && !stop_) validate_within_epoch();
    if (is_due(options.save_every) && !epoch_is_over()) save(false, false);
  }
  if (has_unsaved_) save(false, false);
  PhaseReport phases = phases_since({}, characters_);
  phases.whole_run = true;
  parts_.observer.on_phases(phases);
}

void Trainer::begin_epoch() {
  state_.zero();
  position_.progress.loss_sum = position_.progress.characters = position_.progress.seconds = 0;
  epoch_start_ = clock_.seconds();
  epoch_start_characters_ = characters_;
}

void Trainer::train_step() {
  const auto start = std::chrono::steady_clock::now();
  {
    const PhaseScope scope(&clock_, Phase::kData);
    parts_.batches.load(epoch(), position_.batches_done, batch_);
  }
  const double rate = parts_.schedule.at(position_.step);
  const StepOutcome outcome = training_step_.run(
      batch_, state_, position_.step, rate / parts_.config.optimizer.learning_rate, parts_.observer.wants_stop());
  stop_ = outcome.stop;
  require_option(
      outcome.finite, "learning-rate",
      "the training diverged at step {} (loss {}, gradient norm {}): lower `learning-rate` or set `clip-norm`; the newest checkpoint is from before",
      position_.step, outcome.loss, outcome.gradient_norm);
  const std::int64_t step = ++position_.step;
  ++position_.batches_done;
  if (parts_.average != nullptr) parts_.average->update(step);
  has_unsaved_ = true;

  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto characters = static_cast<double>(batch_.all_targets);
  Checkpoint::Progress& progress = position_.progress;
  progress.loss_sum += outcome.loss_sum;
  progress.characters += characters;
  progress.seconds += seconds;
  progress.smoothed.add(outcome.loss);
  characters_ += characters;
  logged_seconds_ += seconds;
  logged_characters_ += characters;
  if (is_due(parts_.config.run.log_every)) {
    last_rate_ = logged_characters_ / logged_seconds_;
    parts_.observer.on_step({step, outcome.loss, rate, outcome.gradient_norm, last_rate_});
    logged_seconds_ = logged_characters_ = 0;
  }
  parts_.observer.on_progress(
      {step, progress.smoothed.mean(), last_rate_ > 0 ? last_rate_ : progress.characters / progress.seconds});
}

bool Trainer::epoch_is_over() const {
  return position_.batches_done == parts_.batches.per_epoch();
}

std::int64_t Trainer::epoch() const {
  // After an epoch's last batch it is still that epoch, until end_epoch() has closed it.
  return (epoch_is_over() ? position_.step - 1 : position_.step) / parts_.batches.per_epoch();
}

void Trainer::validate_within_epoch() {
  const std::optional<double> val_loss = parts_.validator.validate();
  const bool is_best = is_new_best(val_loss);
  if (val_loss) parts_.observer.on_validation({position_.step, *val_loss, is_best});
  sample();
  if (is_best) save(false, true);
}

void Trainer::end_epoch() {
  const Checkpoint::Progress& progress = position_.progress;
  EpochReport report{.epoch = epoch(),
                     .step = position_.step,
                     .train_loss = progress.loss_sum / progress.characters,
                     .train_loss_smoothed = progress.smoothed.mean(),
                     .val_loss = parts_.validator.validate(),
                     .learning_rate = parts_.schedule.at(position_.step - 1),
                     .characters_per_second = progress.characters / progress.seconds,
                     .seconds = progress.seconds};
  report.is_best = is_new_best(report.val_loss);
  position_.history.push_back({report.epoch, report.step, report.train_loss,
                               report.val_loss.value_or(std::numeric_limits<double>::quiet_NaN()), report.learning_rate,
                               report.seconds});
  parts_.observer.on_epoch(report);
  parts_.observer.on_phases(phases_since(epoch_start_, characters_ - epoch_start_characters_));
  sample();
  // The next epoch begins at the columns' tops, with a hidden state of zero.
  position_.batches_done = 0;
  state_.zero();
  save(parts_.schedule.ends_cycle(position_.step), report.is_best);
}

PhaseReport Trainer::phases_since(const PhaseSeconds& start, double characters) {
  PhaseReport report{.step = position_.step, .seconds = clock_.seconds()};
  double training = 0;
  for (std::size_t i = 0; i < report.seconds.size(); ++i) {
    report.seconds[i] -= start[i];
    if (i != static_cast<std::size_t>(Phase::kOther)) training += report.seconds[i];
  }
  if (parts_.peak > 0 && training > 0) {
    report.mfu = characters * flop_per_character(parts_.step.model.layout()) / training / parts_.peak;
  }
  return report;
}

bool Trainer::is_new_best(std::optional<double> val_loss) {
  last_val_loss_ = val_loss;
  if (!val_loss || !(*val_loss < position_.progress.best_val_loss)) return false;
  position_.progress.best_val_loss = *val_loss;
  return true;
}

void Trainer::check_ranks() {
  if (parts_.control.size() == 1) return;
  LanguageModel& model = parts_.step.model;
  check_replicas(model.layout(), model.store_parameters(), position_.step, parts_.control);
}

void Trainer::save(bool ends_cycle, bool is_best) {
  has_unsaved_ = false;
  if (parts_.sink == nullptr) return;
  check_ranks();
  position_.epoch = epoch();
  // A finished cycle's file carries that cycle's number.
  position_.cycle = parts_.schedule.cycle(ends_cycle ? position_.step - 1 : position_.step);
  position_.row = parts_.batches.position(position_.epoch, position_.batches_done);
  Checkpoint checkpoint = parts_.snapshots.begin(position_, state_, parts_.batches.sharding());
  const std::string path = on_root(parts_.control, [&] {
    parts_.snapshots.finish(checkpoint);
    return parts_.sink->save(checkpoint, ends_cycle, is_best);
  });
  parts_.observer.on_checkpoint(position_.step, path);
}

void Trainer::sample() {
  constexpr std::int64_t kLength = 300;
  const std::string text = on_root(parts_.control, [&] {
    const ScopedAverage averaged(parts_.average);
    Sampler sampler({&parts_.step.model}, parts_.vocabulary,
                    {.seed = static_cast<std::uint64_t>(parts_.config.run.seed)}, parts_.config.data.window);
    sampler.prime("");
    return sampler.write(kLength);
  });
  parts_.observer.on_sample(position_.step, text);
}

}  // namespace charrnn
