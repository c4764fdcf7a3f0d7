#include "train/trainer.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "dist/agreement.hpp"
#include "sample/sampler.hpp"
#include "train/snapshot.hpp"
#include "train/validation.hpp"

namespace charrnn {

namespace {

constexpr double kSmoothing = 0.98;  // of the notebook's running mean
constexpr std::int64_t kSampleLength = 300;

}  // namespace

Trainer::Trainer(const TrainerParts& parts)
    : parts_(parts),
      total_steps_(parts.config.optimizer.max_steps > 0
                       ? std::min(parts.config.optimizer.max_steps, parts.schedule.total_steps())
                       : parts.schedule.total_steps()),
      state_(parts.model.make_state(parts.training.columns())) {
  progress_.best_val_loss = std::numeric_limits<double>::infinity();
}

void Trainer::resume(const Checkpoint& checkpoint) {
  step_ = checkpoint.step;
  progress_ = checkpoint.progress;
  history_ = checkpoint.history;
  row_ = checkpoint.data.row;
  load_hidden(*state_, checkpoint.hidden, parts_.training.range());
  if (row_ != 0) lengths_ = parts_.windows.lengths(epoch());
}

ExitCode Trainer::run() {
  if (step_ == 0) sample();
  while (!stop_) {
    if (epoch_is_over()) end_epoch();
    if (step_ >= total_steps_) break;
    if (row_ == 0) begin_epoch();
    train_step();
    const RunOptions& run = parts_.config.run;
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
  return stop_ ? ExitCode::kInterrupted : ExitCode::kDone;
}

void Trainer::begin_epoch() {
  lengths_ = parts_.windows.lengths(epoch());
  state_->zero();
  progress_.loss_sum = progress_.characters = progress_.seconds = 0;
}

void Trainer::train_step() {
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t window = step_ % parts_.windows.windows_per_epoch();
  const std::int64_t length = lengths_[static_cast<std::size_t>(window)];
  const std::int64_t columns = parts_.training.columns();
  inputs_.resize(static_cast<std::size_t>(length * columns));
  targets_.resize(inputs_.size());
  parts_.training.window(row_, length, inputs_, targets_);

  const DropoutKey dropout{static_cast<std::uint64_t>(parts_.config.run.seed), step_,
                           parts_.training.range().first};
  const double local_loss = parts_.model.train({inputs_, targets_, length, columns}, *state_, dropout);

  // Losses, and whether a rank was told to stop: every rank then takes the same decisions.
  std::array<double, 2> sums{local_loss, signals_.received() != 0 ? 1.0 : 0.0};
  parts_.control.set_step(step_);
  parts_.control.all_reduce_sum(sums);
  const std::int64_t characters = length * parts_.config.data.columns;
  const double loss = sums[0] / static_cast<double>(characters);
  stop_ = sums[1] > 0;

  parts_.reducer.reduce(parts_.model.gradient(), step_);
  const double norm = parts_.optimizer.scale_and_clip(1 / static_cast<double>(characters));
  require<UsageError>(
      std::isfinite(loss) && std::isfinite(norm),
      "the training diverged at step {} (loss {}, gradient norm {}): lower --learning-rate or set "
      "--clip-norm; the newest checkpoint is from before",
      step_, loss, norm);
  const double rate = learning_rate(step_);
  parts_.optimizer.step(rate / parts_.config.optimizer.learning_rate);
  ++step_;
  row_ += length;
  has_unsaved_ = true;

  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  progress_.loss_sum += sums[0];
  progress_.characters += static_cast<double>(characters);
  progress_.seconds += seconds;
  progress_.smoothed_loss = kSmoothing * progress_.smoothed_loss + (1 - kSmoothing) * loss;
  progress_.smoothed_weight = kSmoothing * progress_.smoothed_weight + (1 - kSmoothing);
  logged_seconds_ += seconds;
  logged_characters_ += characters;
  if (step_ % parts_.config.run.log_every == 0) {
    last_rate_ = static_cast<double>(logged_characters_) / logged_seconds_;
    parts_.reporter.step({step_, loss, rate, norm, last_rate_});
    logged_seconds_ = 0;
    logged_characters_ = 0;
  }
  parts_.reporter.progress(step_, progress_.smoothed_loss / progress_.smoothed_weight,
                           last_rate_ > 0 ? last_rate_ : progress_.characters / progress_.seconds);
}

bool Trainer::epoch_is_over() const {
  return row_ != 0 && step_ % parts_.windows.windows_per_epoch() == 0;
}

std::int64_t Trainer::epoch() const {
  // After an epoch's last window it is still that epoch, until end_epoch() has closed it.
  return (epoch_is_over() ? step_ - 1 : step_) / parts_.windows.windows_per_epoch();
}

void Trainer::end_epoch() {
  EpochReport report{epoch(),
                     step_,
                     progress_.loss_sum / progress_.characters,
                     progress_.smoothed_loss / progress_.smoothed_weight,
                     validate(),
                     learning_rate(step_ - 1),
                     progress_.characters / progress_.seconds,
                     progress_.seconds};
  history_.push_back({report.epoch, step_, report.train_loss,
                      report.val_loss.value_or(std::numeric_limits<double>::quiet_NaN()),
                      report.learning_rate, report.seconds});
  const bool best = is_new_best(report.val_loss);
  parts_.reporter.epoch(report, best);
  sample();
  // The next epoch begins at the columns' tops, with a hidden state of zero.
  row_ = 0;
  state_->zero();
  save(parts_.schedule.ends_cycle(step_), best);
}

std::optional<double> Trainer::validate() {
  if (parts_.validation == nullptr) return std::nullopt;
  return evaluate(parts_.model, *parts_.validation, parts_.control).loss();
}

bool Trainer::is_new_best(std::optional<double> val_loss) {
  if (!val_loss || !(*val_loss < progress_.best_val_loss)) return false;
  progress_.best_val_loss = *val_loss;
  return true;
}

void Trainer::save(bool ends_cycle, bool is_best) {
  Checkpoint checkpoint;
  checkpoint.hidden = gather_hidden(*state_, parts_.config.data.columns, parts_.control);
  const std::string path = on_root(parts_.control, [&] {
    checkpoint.step = step_;
    checkpoint.epoch = epoch();
    // A finished cycle's file carries that cycle's number.
    checkpoint.cycle = parts_.schedule.cycle(ends_cycle ? step_ - 1 : step_);
    checkpoint.created_utc = utc_now();
    checkpoint.program_version = CHARRNN_VERSION;
    checkpoint.config = parts_.config_text;
    checkpoint.vocabulary = describe(parts_.vocabulary);
    checkpoint.data = {parts_.corpus.sha256, parts_.corpus.train_characters, row_, parts_.config.data.columns,
                       parts_.config.data.bptt};
    checkpoint.history = history_;
    checkpoint.progress = progress_;
    take(parts_.model, parts_.optimizer, checkpoint);
    return parts_.store.save(checkpoint, ends_cycle, is_best, [&] { parts_.ownership->check(); }).string();
  });
  has_unsaved_ = false;
  parts_.reporter.log("saved " + path);
}

void Trainer::sample() {
  const std::string text = on_root(parts_.control, [&] {
    Sampler sampler(parts_.model, parts_.vocabulary,
                    {.seed = static_cast<std::uint64_t>(parts_.config.run.seed)});
    sampler.prime("");
    std::string written;
    for (std::int64_t i = 0; i < kSampleLength; ++i) written += sampler.next();
    return written;
  });
  parts_.reporter.sample(step_, text);
}

}  // namespace charrnn
