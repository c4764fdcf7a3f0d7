#include "train/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "checkpoint/contents.hpp"
#include "dist/agreement.hpp"
#include "models/as_error.hpp"
#include "sample/sampler.hpp"
#include "train/best_so_far.hpp"
#include "train/replica_check.hpp"

namespace charrnn {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(const TrainerParts& parts, RunPosition start, BatchState& state)
    : parts_(parts),
      state_(state),
      training_step_(make_training_step(parts.step, parts.batches.sharding(), clock_)),
      saver_(parts.snapshots, parts.sink, parts.observer, parts.config.run.save_minutes),
      health_(parts.vocabulary.size(), parts.config.optimizer.clip_norm,
              [&observer = parts.observer](const std::string& line) { observer.on_message(Severity::kWarning, line); }),
      position_(std::move(start)),
      pace_(parts.schedule, parts.batches.per_epoch(), parts.config.run.validate_every, parts.validator.characters()) {}

TrainOutcome Trainer::run() {
  try {
    train();
  } catch (const std::exception& error) {
    try {
      const Error known = as_error(error, kLowerToTrain);
      report_end(known.code(), known.what());
    } catch (const std::exception&) {  // the first error is the one to tell
    }
    // A file system that hangs must not keep this rank from telling that others do not answer.
    if (dynamic_cast<const CommError*>(&error) != nullptr) saver_.leave_behind();
    throw;
  }
  const TrainOutcome outcome{stop_ ? ExitCode::kInterrupted : ExitCode::kDone, position_.step};
  report_end(outcome.code, "");
  return outcome;
}

void Trainer::report_end(ExitCode code, const std::string& error) {
  const Checkpoint::Progress& progress = position_.progress;
  const bool is_early = code == ExitCode::kDone && position_.step < parts_.schedule.last_step();
  EndReport end{.step = position_.step,
                .code = code,
                .error = error,
                .last_val_loss = last_val_loss_,
                .best_step = progress.best_step,
                .skipped_steps = progress.skipped_steps,
                .stopped_early = is_early,
                .validations_since_best = progress.validations_since_best};
  if (std::isfinite(progress.best_val_loss)) end.best_val_loss = progress.best_val_loss;
  parts_.observer.on_end(end);
}

void Trainer::train() {
  const RunOptions& options = parts_.config.run;
  if (position_.step == 0) sample();
  while (!stop_ || !open_.empty()) {
    if (open_.empty()) {
      if (epoch_is_over()) {
        end_epoch();
      } else if (validation_is_due()) {
        validate_within_epoch();
      }
      if ((is_due(options.save_every) || save_is_due_) && has_unsaved_) save(false, false);
      if (stop_ || position_.step >= parts_.schedule.last_step() || is_out_of_patience()) break;
      if (position_.batches_done == 0) begin_epoch();
    }
    train_step();
    if (is_due(options.check_every)) check_ranks();
  }
  // A run that is cut off within an epoch, now or by an attempt that did not come to its validation.
  if (!stop_ && position_.lacks_closing_validation(parts_.schedule.last_step())) validate_within_epoch();
  if (has_unsaved_) save(false, false);
  saver_.finish();
  if (!stop_ && options.exact_end && options.validate_characters > 0 && parts_.validator) validate_exactly();
  if (characters_ == 0) return;
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
  if (open_.empty()) {
    step_start_ = Clock::now();
    begin_step(position_.step, position_.batches_done);
  }
  if (training_step_->runs_ahead() && next_step_follows()) begin_step(position_.step + 1, position_.batches_done + 1);
  const StepOutcome outcome = training_step_->finish();
  const OpenStep open = open_.front();
  open_.pop_front();
  end_step(open, outcome);
}

void Trainer::begin_step(std::int64_t step, std::int64_t batch) {
  {
    const PhaseScope scope(&clock_, Phase::kData);
    parts_.batches.load(step / parts_.batches.per_epoch(), batch, batch_);
  }
  const double rate = parts_.schedule.at(step, position_.validations);
  open_.push_back({rate, static_cast<double>(batch_.all_targets)});
  const StepFlags flags{.stop = parts_.observer.wants_stop(), .save = saver_.is_due(), .saved = saver_.has_news()};
  training_step_->begin(batch_, state_, step, rate / parts_.config.optimizer.learning_rate, flags);
}

bool Trainer::next_step_follows() const {
  const RunOptions& options = parts_.config.run;
  const std::int64_t next = position_.step + 1;
  if (stop_ || save_is_due_ || position_.batches_done + 1 >= parts_.batches.per_epoch()) return false;
  if (next >= parts_.schedule.last_step() || parts_.schedule.ends_cycle(next)) return false;
  if (parts_.average != nullptr) return false;  // it is taken from the parameters as this step leaves them
  return !is_due(options.save_every, next) && !is_due(options.validate_every, next) &&
         !is_due(options.check_every, next);
}

void Trainer::end_step(const OpenStep& open, const StepOutcome& outcome) {
  const Clock::time_point now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - std::exchange(step_start_, now)).count();
  stop_ |= outcome.flags.stop;
  save_is_due_ |= outcome.flags.save;
  if (!outcome.finite) leave_out(outcome, open.rate);
  const std::int64_t step = ++position_.step;
  ++position_.batches_done;
  has_unsaved_ = true;
  if (outcome.finite) count(outcome, open.characters);

  if (outcome.flags.saved) saver_.tell_news();
  position_.progress.seconds += seconds;
  characters_ += open.characters;
  pace_.add_step(seconds, open.characters);
  if ((is_due(parts_.config.run.log_every) || stop_) && outcome.finite) {
    const NoiseScale* const noise = parts_.step.noise;
    parts_.observer.on_step({step, outcome.loss, open.rate, outcome.gradient_norm, pace_.take_rate(),
                             noise != nullptr ? noise->columns() : std::nullopt});
  }
  parts_.observer.on_progress({step, position_.progress.smoothed.mean(), pace_.rate(), pace_.seconds_left(step)});
}

void Trainer::count(const StepOutcome& outcome, double characters) {
  if (parts_.average != nullptr) parts_.average->update(position_.step);
  Checkpoint::Progress& progress = position_.progress;
  progress.loss_sum += outcome.loss_sum;
  progress.characters += characters;
  progress.smoothed.add(outcome.loss);
  progress.skipped_in_a_row = 0;
  health_.after_step(position_.step, outcome.loss, outcome.gradient_norm);
}

void Trainer::leave_out(const StepOutcome& outcome, double rate) {
  Checkpoint::Progress& progress = position_.progress;
  const std::int64_t limit = parts_.config.optimizer.skip_bad_steps;
  const std::string before = limit > 0 ? fmt::format(", after {} step(s) in a row that were left out", limit) : "";
  const char* const other_way = limit > 0 ? "" : ", or leave such steps out with `skip-bad-steps`";
  require_option(
      progress.skipped_in_a_row < limit, "learning-rate",
      "the training diverged at step {} (loss {}, gradient norm {}){}: lower `learning-rate` or set `clip-norm`{}; the "
      "newest checkpoint is from before",
      position_.step + 1, loss_text(outcome.loss), loss_text(outcome.gradient_norm), before, other_way);
  ++progress.skipped_steps;
  ++progress.skipped_in_a_row;
  parts_.observer.on_skip({position_.step + 1, outcome.loss, outcome.gradient_norm, rate, progress.skipped_in_a_row,
                           progress.skipped_steps});
}

bool Trainer::epoch_is_over() const {
  return position_.batches_done == parts_.batches.per_epoch();
}

std::int64_t Trainer::epoch() const {
  // After an epoch's last batch it is still that epoch, until end_epoch() has closed it.
  return (epoch_is_over() ? position_.step - 1 : position_.step) / parts_.batches.per_epoch();
}

std::optional<Evaluation> Trainer::validate() {
  if (!parts_.validator) {
    position_.progress.validated_step = position_.step;
    return std::nullopt;
  }
  // What may take long must not cost the steps before it, if the run is killed meanwhile.
  constexpr double kLong = 60;
  std::array<double, 1> is_long{pace_.seconds_of_pause() > kLong ? 1.0 : 0.0};
  parts_.control.all_reduce_sum(is_long);
  if (has_unsaved_ && is_long[0] > 0) save(false, false);
  try {
    const PhaseScope scope(&clock_, Phase::kValidate);
    const Evaluation evaluation = parts_.validator.validate(parts_.observer);
    position_.progress.validated_step = position_.step;
    return evaluation;
  } catch (const Interrupted&) {
    stop_ = true;
    return std::nullopt;
  }
}

bool Trainer::validation_is_due() const {
  const std::vector<ValidationRecord>& done = position_.validations;
  if (position_.step == 0 || (!done.empty() && done.back().step == position_.step)) return false;
  return is_due(parts_.config.run.validate_every) || parts_.schedule.ends_cycle(position_.step);
}

void Trainer::note_validation(const std::optional<Evaluation>& evaluation) {
  const bool goes_on = position_.step < parts_.schedule.last_step();
  const double before = goes_on ? parts_.schedule.at(position_.step, position_.validations) : 0;
  position_.validations.push_back(
      {position_.step, evaluation ? evaluation->loss() : std::numeric_limits<double>::quiet_NaN()});
  position_.progress.validations_since_best = validations_since_lowest(position_.validations);
  const double after = goes_on ? parts_.schedule.at(position_.step, position_.validations) : 0;
  if (after != before) {
    parts_.observer.on_message(
        Severity::kNote,
        fmt::format("plateau: the learning rate is {:.4g} from here on, {:.4g} before", after, before));
  }
}

double Trainer::rate_of_last_step() const {
  return parts_.schedule.at(position_.step - 1, position_.validations);
}

void Trainer::validate_within_epoch() {
  const Clock::time_point start = Clock::now();
  const bool was_due = validation_is_due();
  const std::optional<Evaluation> evaluation = validate();
  if (stop_) return;
  has_unsaved_ = true;
  // Others come where a run is cut off, and must not decide how it goes on.
  if (was_due) note_validation(evaluation);
  bool is_best = false;
  if (evaluation) {
    is_best = is_new_best(evaluation->loss());
    const Checkpoint::Progress& progress = position_.progress;
    ValidationReport report{.step = position_.step,
                            .val_loss = evaluation->loss(),
                            .characters = evaluation->characters,
                            .is_best = is_best,
                            .learning_rate = rate_of_last_step()};
    if (progress.characters > 0) report.train_loss = progress.loss_sum / progress.characters;
    parts_.observer.on_validation(report);
    watch(evaluation->loss());
  }
  sample();
  const bool ends_cycle = parts_.schedule.ends_cycle(position_.step);
  if (ends_cycle || is_best) save(ends_cycle, is_best);
  pace_.add_pause(seconds_since(start));
}

void Trainer::end_epoch() {
  const Clock::time_point start = Clock::now();
  const std::optional<Evaluation> evaluation = validate();
  if (stop_) return;  // the epoch stays open: a resume closes it
  const Checkpoint::Progress& progress = position_.progress;
  EpochReport report{.epoch = epoch(),
                     .step = position_.step,
                     .train_loss = progress.loss_sum / progress.characters,
                     .train_loss_smoothed = progress.smoothed.mean(),
                     .val_loss = evaluation ? std::optional(evaluation->loss()) : std::nullopt,
                     .learning_rate = rate_of_last_step(),
                     .characters_per_second = progress.characters / progress.seconds,
                     .seconds = progress.seconds};
  note_validation(evaluation);
  report.is_best = is_new_best(report.val_loss);
  // An epoch whose steps were all left out has no train loss, and no row.
  if (progress.characters > 0) {
    position_.history.push_back({report.epoch, report.step, report.train_loss,
                                 report.val_loss.value_or(std::numeric_limits<double>::quiet_NaN()),
                                 report.learning_rate, report.seconds});
  }
  parts_.observer.on_epoch(report);
  watch(report.val_loss);
  parts_.observer.on_phases(phases_since(epoch_start_, characters_ - epoch_start_characters_));
  sample();
  // The next epoch begins at the columns' tops, with a hidden state of zero.
  position_.batches_done = 0;
  state_.zero();
  save(parts_.schedule.ends_cycle(position_.step), report.is_best);
  pace_.add_pause(seconds_since(start));
}

PhaseReport Trainer::phases_since(const PhaseSeconds& start, double characters) {
  PhaseReport report{.step = position_.step, .seconds = clock_.seconds()};
  double training = 0;
  for (std::size_t i = 0; i < report.seconds.size(); ++i) {
    report.seconds[i] -= start[i];
    if (is_training(static_cast<Phase>(i))) training += report.seconds[i];
  }
  if (parts_.peak > 0 && training > 0) {
    report.mfu = characters * flop_per_character(parts_.step.model.layout()) / training / parts_.peak;
  }
  return report;
}

bool Trainer::is_new_best(std::optional<double> val_loss) {
  last_val_loss_ = val_loss;
  return val_loss && take_if_best(position_.progress, {position_.step, *val_loss}, parts_.vocabulary.size());
}

void Trainer::watch(const std::optional<double>& val_loss) {
  if (val_loss) health_.after_validation(position_.step, *val_loss, position_.progress.best_val_loss);
}

bool Trainer::is_out_of_patience() const {
  const std::int64_t patience = parts_.config.optimizer.patience;
  return patience > 0 && position_.progress.validations_since_best >= patience;
}

void Trainer::check_ranks() {
  if (parts_.control.size() == 1) return;
  LanguageModel& model = parts_.step.model;
  check_replicas(model.layout(), model.store_parameters(), position_.step, parts_.control);
}

void Trainer::save(bool ends_cycle, bool is_best) {
  has_unsaved_ = save_is_due_ = false;
  if (parts_.sink == nullptr) return;
  const PhaseScope scope(&clock_, Phase::kSave);
  check_ranks();
  position_.epoch = epoch();
  // A finished cycle's file carries that cycle's number.
  position_.cycle = parts_.schedule.cycle(ends_cycle ? position_.step - 1 : position_.step);
  position_.row = parts_.batches.position(position_.epoch, position_.batches_done);
  saver_.save(position_, state_, parts_.batches.sharding(), ends_cycle, is_best);
}

void Trainer::validate_exactly() {
  try {
    const Evaluation last = parts_.validator.validate_all(parts_.observer);
    last_val_loss_ = last.loss();
    parts_.observer.on_validation({position_.step, last.loss(), last.characters, false, true});
    const std::string best = saver_.best();
    if (best.empty()) return;
    LanguageModel& model = parts_.step.model;
    std::int64_t step = 0;
    together(parts_.control, [&] {
      const Checkpoint checkpoint =
          read_checkpoint(best, Parts::kModel, [&](const Checkpoint&) { return model.layout(); });
      load_weights(model, checkpoint);
      step = checkpoint.step;
    });
    const Evaluation of_best = step == position_.step ? last : parts_.validator.validate_model(parts_.observer);
    position_.progress.best_val_loss = of_best.loss();
    position_.progress.best_step = step;
    parts_.observer.on_validation({step, of_best.loss(), of_best.characters, true, true});
  } catch (const Interrupted&) {
    stop_ = true;
  }
}

void Trainer::sample() {
  constexpr std::int64_t kLength = 300;
  const std::string text = on_root(parts_.control, parts_.observer, [&](Activity& activity) {
    const ScopedAverage averaged(parts_.average);
    Sampler sampler({&parts_.step.model}, parts_.vocabulary,
                    {.seed = static_cast<std::uint64_t>(parts_.config.run.seed)}, parts_.config.data.window);
    sampler.prime("");
    return sampler.write(kLength, [&] { return activity.wants_stop(); });
  });
  if (!text.empty()) parts_.observer.on_sample(position_.step, text);
}

}  // namespace charrnn
