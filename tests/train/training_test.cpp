// A whole training without MPI, files or a command line, watched by an observer that records.
#include "train/training.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "dist/self_communicator.hpp"
#include "temporary_folder.hpp"
#include "train/slow_queue.hpp"
#include "train/step_device.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Nothing in it can be learned by heart in a few steps: 1,200 letters of a linear congruential generator.
MemoryText some_text() {
  std::string text;
  for (unsigned state = 7; text.size() < 1200;) {
    state = state * 1103515245U + 12345U;
    text += static_cast<char>('a' + (state >> 16) % 9);
  }
  return MemoryText(text);
}

RunConfig some_config() {
  RunConfig config;
  config.data.columns = 4;
  config.data.bptt = 20;
  config.data.bptt_jitter = false;
  config.data.min_freq = 1;
  config.model = {.model = "gru", .layers = 1, .hidden = 12, .embedding = 6};
  config.optimizer.epochs = 3;
  config.run.log_every = 5;
  config.run.threads = 1;
  config.run.device = "cpu";
  config.data.corpus = {"text"};
  return config;
}

/// 960 characters for training in 4 columns of 240: 239 rows in windows of 20.
constexpr std::int64_t kSteps = 12;

struct Recorder : TrainObserver {
  void rewind(std::int64_t step) override { note("rewind", step); }
  void on_start(const RunFacts& facts) override {
    note("start", facts.first_step);
    steps_per_epoch = facts.steps_per_epoch;
    total_steps = facts.total_steps;
  }
  void on_progress(const ProgressReport& report) override { progress.push_back(report.step); }
  void on_step(const StepReport& report) override {
    note("step", report.step);
    losses.push_back(report.loss);
  }
  void on_validation(const ValidationReport& report) override {
    note(report.is_final ? "final validation" : "validation", report.step);
    validations.push_back(report);
  }
  void on_epoch(const EpochReport& report) override {
    note("epoch", report.step);
    epochs.push_back(report);
  }
  void on_phases(const PhaseReport& report) override {
    note(report.whole_run ? "all phases" : "phases", report.step);
    phases.push_back(report);
  }
  void on_sample(std::int64_t step, const std::string& text) override {
    note("sample", step);
    EXPECT_EQ(text.size(), 300U);
  }
  // Written in the background: when this comes depends on the disk.
  void on_checkpoint(std::int64_t step, const std::string& path) override {
    checkpoints.push_back(path + " " + std::to_string(step));
  }
  void on_message(Severity severity, const std::string& text) override {
    (severity == Severity::kWarning ? warnings : notes).push_back(text);
  }
  void on_work(std::string_view /*what*/, std::int64_t done, std::int64_t /*total*/) override {
    is_in_middle_of_validation = done > 0;
  }
  void on_end(const EndReport& report) override {
    note("end", report.step);
    end = report;
  }
  bool wants_stop() override {
    return (stop_after >= 0 && std::ssize(progress) >= stop_after) || (stops_validation && is_in_middle_of_validation);
  }

  void note(const std::string& what, std::int64_t step) { events.push_back(what + " " + std::to_string(step)); }

  std::int64_t stop_after = -1, steps_per_epoch = 0, total_steps = 0;
  bool stops_validation = false, is_in_middle_of_validation = false;
  std::vector<std::string> events, checkpoints, warnings, notes;
  std::vector<std::int64_t> progress;
  std::vector<double> losses;
  std::vector<EpochReport> epochs;
  std::vector<ValidationReport> validations;
  std::vector<PhaseReport> phases;
  EndReport end;
};

/// Keeps checkpoints in memory.
struct Shelf : CheckpointSink {
  std::string save(const Checkpoint& checkpoint, bool ends_cycle, bool is_best) override {
    if (tries++ < full_for) throw WriteError("no room", ENOSPC);
    saved.push_back(checkpoint);
    return std::string(ends_cycle ? "cycle" : "step") + (is_best ? " best" : "");
  }
  int full_for = 0, tries = 0;
  std::vector<Checkpoint> saved;
};

/// On a CPU that is waited for, or, if the parameter says so, through the queue of a device.
class TrainingTest : public testing::TestWithParam<bool> {
 protected:
  TrainOutcome train(RunConfig config, CheckpointSink* sink = nullptr, const Checkpoint* resumed = nullptr) {
    if (is_queued()) config.run.engine = "torch";
    training_.emplace(config, text_, alone_, reading_);
    if (is_queued()) training_->queue_steps(test::make_slow_queue(most_open_));
    if (resumed != nullptr) training_->resume(*resumed);
    TrainObserver* observers[] = {&recorder_};
    return training_->run(observers, std::shared_ptr<CheckpointSink>(std::shared_ptr<void>(), sink));
  }

  static bool is_queued() { return GetParam(); }

  MemoryText text_ = some_text();
  SelfCommunicator alone_;
  Activity reading_;
  Recorder recorder_;
  std::optional<Training> training_;
  int most_open_ = 0;  ///< steps in the queue at a time
};

INSTANTIATE_TEST_SUITE_P(Steps, TrainingTest, testing::Bool(),
                         [](const auto& way) { return way.param ? "Queued" : "OnCpu"; });

TEST_P(TrainingTest, EventsComeInTheOrderOfTheRun) {
  RunConfig config = some_config();
  config.optimizer.epochs = 1;
  config.run.validate_every = 8;
  Shelf shelf;
  const TrainOutcome outcome = train(config, &shelf);
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(outcome.step, kSteps);
  EXPECT_EQ(recorder_.steps_per_epoch, kSteps);
  EXPECT_THAT(recorder_.events,
              ElementsAre("rewind 0", "start 0", "sample 0", "step 5", "validation 8", "sample 8", "step 10",
                          "epoch 12", "phases 12", "sample 12", "all phases 12", "end 12"));
  EXPECT_THAT(recorder_.checkpoints, ElementsAre("step best 8", "cycle best 12"));
  EXPECT_EQ(std::ssize(recorder_.progress), kSteps);
}

TEST_P(TrainingTest, AnEpochsLossIsTheMeanOverItsSteps) {
  RunConfig config = some_config();
  config.run.log_every = 1;
  config.data.bptt = 239;  // one window an epoch: every step is an epoch
  Training::run(config, text_, alone_, std::vector<TrainObserver*>{&recorder_});
  ASSERT_EQ(recorder_.epochs.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(recorder_.epochs[i].train_loss, recorder_.losses[i]);
  // Fresh parameters know nothing: about ln(symbols), of which there are 9, unknown and padding.
  EXPECT_NEAR(recorder_.losses[0], std::log(11.0), 0.35);
  EXPECT_LT(recorder_.losses[2], recorder_.losses[0]);
}

TEST_P(TrainingTest, AResumedRunEndsWithTheSameBits) {
  const RunConfig config = some_config();
  Shelf straight;
  train(config, &straight);
  const std::vector<float> expected = training_->model().store_parameters();
  for (const Checkpoint& from : straight.saved) {
    if (from.step == 3 * kSteps) continue;
    Shelf again;
    recorder_ = {};
    train(config, &again, &from);
    EXPECT_EQ(training_->model().store_parameters(), expected) << "from step " << from.step;
    EXPECT_EQ(recorder_.events.front(), "rewind " + std::to_string(from.step));
    EXPECT_EQ(again.saved.back().history.size(), 3U);
  }
}

TEST_P(TrainingTest, AnObserverCanStopIt) {
  Shelf shelf;
  recorder_.stop_after = 17;
  const TrainOutcome outcome = train(some_config(), &shelf);
  EXPECT_EQ(outcome.code, ExitCode::kInterrupted);
  const int finished =
      is_queued() ? 20 : 18;  // the step that has begun when it is asked; on a device one more is queued
  EXPECT_EQ(outcome.step, finished);
  EXPECT_EQ(shelf.saved.back().step, finished);
  const Checkpoint from = shelf.saved.back();
  recorder_ = {};
  train(some_config(), nullptr, &from);
  const std::vector<float> resumed = training_->model().store_parameters();
  recorder_ = {};
  train(some_config());
  EXPECT_EQ(training_->model().store_parameters(), resumed);
}

TEST_P(TrainingTest, ACycleThatAStopInterruptedAtItsEndIsEndedByTheResume) {
  RunConfig config = some_config();
  config.schedule.schedule = "sgdr";
  config.schedule.cycle_steps = 5;
  config.schedule.cycle_mult = 1;
  config.optimizer.epochs = 1;
  recorder_.stop_after = 4;
  Shelf shelf;
  train(config, &shelf);
  const Checkpoint from = shelf.saved.back();
  EXPECT_THAT(recorder_.events, ElementsAre("rewind 0", "start 0", "sample 0", "step 5", "all phases 5", "end 5"));
  EXPECT_THAT(recorder_.checkpoints, ElementsAre("step 5"));
  recorder_ = {};
  train(config, &shelf, &from);
  EXPECT_THAT(recorder_.events,
              ElementsAre("rewind 5", "start 5", "validation 5", "sample 5", "step 10", "validation 10", "sample 10",
                          "epoch 12", "phases 12", "sample 12", "all phases 12", "end 12"));
  EXPECT_THAT(recorder_.checkpoints, ElementsAre("cycle best 5", "cycle best 10", "step best 12"));
  EXPECT_EQ(shelf.saved.back().validations.size(), 3U);
}

TEST_P(TrainingTest, OnlyABetterValidationIsBest) {
  RunConfig config = some_config();
  config.optimizer.epochs = 8;
  config.optimizer.learning_rate = 0.05;  // learns by heart
  Shelf shelf;
  train(config, &shelf);
  double best = INFINITY;
  for (const EpochReport& epoch : recorder_.epochs) {
    EXPECT_EQ(epoch.is_best, *epoch.val_loss < best) << epoch.epoch;
    best = std::min(best, *epoch.val_loss);
  }
  EXPECT_EQ(shelf.saved.back().progress.best_val_loss, best);
}

TEST_P(TrainingTest, WhatCannotBeSavedDoesNotStopIt) {
  RunConfig config = some_config();
  config.optimizer.weight_average = 0.9;
  train(config);
  const std::vector<float> undisturbed = training_->model().store_parameters();
  recorder_ = {};
  Shelf full;
  full.full_for = 1'000'000;
  try {
    train(config, &full);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInterrupted);
    EXPECT_THAT(error.what(), HasSubstr("the checkpoint of step 36 is not saved: no room"));
  }
  EXPECT_EQ(recorder_.epochs.size(), 3U);
  EXPECT_EQ(recorder_.warnings.size(), 3U) << "one a checkpoint";
  EXPECT_EQ(training_->model().store_parameters(), undisturbed);
}

TEST_P(TrainingTest, ASaveIsTriedAgainAtTheEnd) {
  RunConfig config = some_config();
  config.optimizer.epochs = 1;
  Shelf shelf;
  shelf.full_for = 1;
  EXPECT_EQ(train(config, &shelf).code, ExitCode::kDone);
  EXPECT_THAT(recorder_.warnings, ElementsAre(HasSubstr("no room; the training goes on and tries again")));
  EXPECT_THAT(recorder_.checkpoints, ElementsAre("cycle best 12"));
  EXPECT_THAT(recorder_.notes, testing::Contains("the checkpoint of step 12 is saved"));
}

TEST_P(TrainingTest, AnExactEndDoesWithoutABestCheckpointThatIsDamaged) {
  struct Damaged : Shelf {
    std::filesystem::path best() override { return "no/such/file.h5"; }
  } shelf;
  RunConfig config = some_config();
  config.optimizer.epochs = 1;
  config.data.train_fraction = 0.2;
  config.run.validate_characters = 100;
  config.run.exact_end = true;
  EXPECT_EQ(train(config, &shelf).code, ExitCode::kDone);
  EXPECT_EQ(recorder_.validations.size(), 1U);
  EXPECT_THAT(recorder_.warnings, ElementsAre(HasSubstr("no/such/file.h5")));
}

TEST_P(TrainingTest, TheClockSaves) {
  RunConfig config = some_config();
  config.run.save_minutes = 1e-9;
  Shelf shelf;
  train(config, &shelf);
  EXPECT_GT(shelf.saved.size(), 3U) << "no more than the epochs' ends";
  RunConfig without = config;
  without.run.save_minutes = 0;
  Shelf epochs;
  train(without, &epochs);
  EXPECT_EQ(epochs.saved.size(), 3U);
  EXPECT_EQ(epochs.saved.back().model.front().values, shelf.saved.back().model.front().values);
}

TEST_P(TrainingTest, AValidationCanBeStopped) {
  RunConfig config = some_config();
  config.optimizer.epochs = 1;
  config.data.train_fraction = 0.2;  // 960 characters for validation, in batches of 64 rows
  train(config);
  const double expected = recorder_.epochs.at(0).val_loss.value();
  recorder_ = {};
  recorder_.stops_validation = true;
  Shelf shelf;
  EXPECT_EQ(train(config, &shelf).code, ExitCode::kInterrupted);
  EXPECT_TRUE(recorder_.epochs.empty());
  const Checkpoint from = shelf.saved.back();
  recorder_ = {};
  EXPECT_EQ(train(config, nullptr, &from).code, ExitCode::kDone);
  ASSERT_EQ(recorder_.epochs.size(), 1U);
  EXPECT_EQ(recorder_.epochs[0].val_loss.value(), expected);
}

TEST_P(TrainingTest, MaxStepsEndsWithAValidation) {
  RunConfig config = some_config();
  config.optimizer.max_steps = 17;
  Shelf shelf;
  EXPECT_EQ(train(config, &shelf).code, ExitCode::kDone);
  ASSERT_EQ(recorder_.validations.size(), 1U);
  EXPECT_EQ(recorder_.validations[0].step, 17);
  // Nothing is left to do.
  const Checkpoint from = shelf.saved.back();
  recorder_ = {};
  train(config, &shelf, &from);
  EXPECT_TRUE(recorder_.validations.empty());
}

TEST_P(TrainingTest, ARunThatMaxEpochsStoppedGoesOnAsIfItHadNot) {
  RunConfig config = some_config();
  config.schedule.schedule = "onecycle";
  Shelf straight;
  train(config, &straight);
  const std::pair<double, std::int64_t> stops[] = {{1, kSteps}, {1.5, kSteps * 3 / 2}, {9, kSteps * 3}};
  for (const auto& [epochs, last] : stops) {
    RunConfig shorter = config;
    shorter.optimizer.max_epochs = epochs;
    Shelf shelf;
    recorder_ = {};
    EXPECT_EQ(train(shorter, &shelf).code, ExitCode::kDone);
    EXPECT_EQ(recorder_.end.step, last);
    EXPECT_FALSE(recorder_.end.stopped_early);
    const Checkpoint from = shelf.saved.back();
    train(config, &shelf, &from);
    EXPECT_EQ(shelf.saved.back().model.front().values, straight.saved.back().model.front().values);
  }
}

TEST_P(TrainingTest, AValidationTellsTheEpochsMeanSoFarAndTheRate) {
  RunConfig config = some_config();
  config.optimizer.max_steps = 7;
  config.run.log_every = 1;
  train(config);
  ASSERT_EQ(recorder_.validations.size(), 1U);
  double sum = 0;
  for (const double loss : recorder_.losses) sum += loss;
  EXPECT_NEAR(recorder_.validations[0].train_loss.value(), sum / 7, 1e-6) << "windows of equal length";
  EXPECT_EQ(recorder_.validations[0].learning_rate.value(), config.optimizer.learning_rate);
}

TEST_P(TrainingTest, TellsWhenPlateauLowersTheRate) {
  RunConfig config = some_config();
  config.optimizer.learning_rate = 1e-30;  // no validation lowers the loss
  config.schedule.schedule = "plateau";
  config.schedule.plateau_patience = 1;
  config.run.validate_every = 1;
  config.optimizer.max_steps = 5;
  train(config);
  EXPECT_EQ(recorder_.notes,
            std::vector<std::string>{"plateau: the learning rate is 1e-31 from here on, 1e-30 before"});
}

TEST_P(TrainingTest, AClosingValidationThatWasStoppedIsDoneByTheResume) {
  RunConfig config = some_config();
  config.optimizer.max_steps = 2;
  config.data.train_fraction = 0.2;  // 960 characters for validation, in batches of 64 rows
  recorder_.stops_validation = true;
  Shelf shelf;
  EXPECT_EQ(train(config, &shelf).code, ExitCode::kInterrupted);
  EXPECT_TRUE(recorder_.validations.empty());
  const Checkpoint from = shelf.saved.back();
  EXPECT_EQ(from.step, 2);
  recorder_ = {};
  EXPECT_EQ(train(config, &shelf, &from).code, ExitCode::kDone);
  ASSERT_EQ(recorder_.validations.size(), 1U);
  EXPECT_EQ(recorder_.validations[0].step, 2);
  EXPECT_EQ(shelf.saved.back().progress.validated_step, 2);
}

TEST_P(TrainingTest, AClosingValidationDoesNotDecideHowTheRunGoesOn) {
  RunConfig config = some_config();
  config.run.validate_every = 5;
  Shelf straight;
  train(config, &straight);
  const Checkpoint::Progress expected = straight.saved.back().progress;
  for (const std::int64_t cut : {3, 8, 17, 23}) {
    RunConfig shorter = config;
    shorter.optimizer.max_steps = cut;
    Shelf shelf;
    recorder_ = {};
    train(shorter, &shelf);
    ASSERT_EQ(recorder_.validations.back().step, cut);
    EXPECT_TRUE(recorder_.validations.back().is_best) << "the test needs a cut that is the best so far";
    const Checkpoint from = shelf.saved.back();
    EXPECT_EQ(from.progress.best_step, cut) << "which the file tells";
    recorder_ = {};
    train(config, &shelf, &from);
    const Checkpoint::Progress progress = shelf.saved.back().progress;
    EXPECT_EQ(progress.validations_since_best, expected.validations_since_best);
    EXPECT_LE(progress.best_val_loss, expected.best_val_loss) << "the closing one counts for the best";
  }
}

TEST_P(TrainingTest, ValidatesOnSoManyCharactersAndExactlyAtTheEnd) {
  RunConfig config = some_config();
  config.data.train_fraction = 0.2;
  train(config);
  const double exact = recorder_.epochs.at(2).val_loss.value();
  recorder_ = {};
  config.run.validate_characters = 100;  // the first batch: 64 rows of 4 columns
  config.run.exact_end = true;
  train(config);
  EXPECT_NE(recorder_.epochs.at(2).val_loss.value(), exact);
  ASSERT_EQ(recorder_.validations.size(), 1U);
  EXPECT_TRUE(recorder_.validations[0].is_final);
  EXPECT_EQ(recorder_.validations[0].val_loss, exact);
  EXPECT_EQ(recorder_.validations[0].characters, 4 * 239);
}

TEST_P(TrainingTest, AnAverageStartsFromTheWeightsThatARunBeginsWith) {
  RunConfig config = some_config();
  Shelf shelf;
  train(config, &shelf);
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "first.h5";
  write_checkpoint(file, shelf.saved.back());
  config.optimizer.weight_average = 0.9;
  config.optimizer.learning_rate = 1e-9;
  config.optimizer.max_steps = 1;
  Training second(config, text_, alone_, reading_, {.init_from = file});
  const auto averaged = std::make_shared<Shelf>();
  second.run(std::vector<TrainObserver*>(), averaged);
  const std::vector<float>& expected = shelf.saved.back().model.front().values;
  const std::vector<float>& average = averaged->saved.back().model.front().values;
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(average[i], expected[i], 1e-6);
}

TEST_P(TrainingTest, ValidationIsNoTrainingTime) {
  RunConfig config = some_config();
  config.run.threads = 2;
  config.optimizer.epochs = 20;
  train(config);
  double training = 0, seconds = 0;
  for (const PhaseReport& report : recorder_.phases) {
    if (report.whole_run) continue;
    for (std::size_t i = 0; i < report.seconds.size(); ++i) {
      if (is_training(static_cast<Phase>(i))) training += report.seconds[i];
    }
  }
  for (const EpochReport& epoch : recorder_.epochs) seconds += epoch.seconds;
  EXPECT_LE(training, seconds * 1.001);
}

TEST_P(TrainingTest, DivergenceNamesTheOption) {
  RunConfig config = some_config();
  config.optimizer.optimizer = "sgd";
  config.optimizer.learning_rate = 1e38;
  try {
    train(config);
    FAIL() << "did not diverge";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.key(), "learning-rate");
    EXPECT_THAT(error.what(), HasSubstr("lower `learning-rate` or set `clip-norm`"));
  }
}

TEST_P(TrainingTest, StepsThatAreNotFiniteAreLeftOut) {
  RunConfig config = some_config();
  config.optimizer.skip_bad_steps = 100;
  Shelf shelf;
  train(config, &shelf);
  Checkpoint from = shelf.saved.front();  // of the first epoch's end
  for (NamedTensor& one : from.model) one.values.front() = NAN;
  recorder_ = {};
  train(config, nullptr, &from);
  EXPECT_EQ(recorder_.end.skipped_steps, 2 * kSteps);
  EXPECT_TRUE(recorder_.losses.empty());
}

TEST_P(TrainingTest, ADevicesQueueHoldsTwoSteps) {
  train(some_config());
  EXPECT_EQ(most_open_, is_queued() ? 2 : 0);
  RunConfig averaged = some_config();
  averaged.optimizer.weight_average = 0.9;  // is taken from the parameters between two steps
  most_open_ = 0;
  train(averaged);
  EXPECT_EQ(most_open_, is_queued() ? 1 : 0);
}

TEST_P(TrainingTest, TheEndIsReportedAsTheProgramEnds) {
  struct OutOfMemoryAtOnce : TrainObserver {
    void on_step(const StepReport& /*report*/) override { throw std::bad_alloc(); }
  } hungry;
  Training training(some_config(), text_, alone_, reading_);
  EXPECT_THROW(training.run(std::vector<TrainObserver*>{&recorder_, &hungry}, nullptr), std::bad_alloc);
  EXPECT_EQ(recorder_.end.code, ExitCode::kUsage);
  EXPECT_THAT(recorder_.end.error, HasSubstr("out of memory"));
}

TEST_P(TrainingTest, AnotherTextIsRefused) {
  Shelf shelf;
  RunConfig config = some_config();
  config.optimizer.max_steps = 3;
  train(config, &shelf);
  const MemoryText other(std::string(1200, 'a') + "bcdefghi");
  Training training(config, other, alone_, reading_);
  EXPECT_THAT(error_of<DataError>([&] { training.resume(shelf.saved.back()); }), HasSubstr("is not the corpus"));
}

TEST_P(TrainingTest, ReproducibleModeNeedsAMicroBatchForEveryRank) {
  const ReductionMode mode({.reproducible = true, .micro_batches = 4});
  EXPECT_EQ(mode.sharding(4, alone_).micro_batches, 4);
  EXPECT_EQ(mode.sharding(3, alone_).micro_batches, 3);
  EXPECT_EQ(mode.threads(0, /*threads_decide_bits=*/true), 1);
  EXPECT_EQ(mode.threads(0, false), 0);
  EXPECT_EQ(mode.threads(3, true), 3);
  EXPECT_EQ(ReductionMode(RunOptions()).threads(0, true), 0);
}

}  // namespace
}  // namespace charrnn
