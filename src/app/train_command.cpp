// charrnn_dist train. The way from what was given to a training: each stage has a type of its own and goes to the next.
//
//     TrainArguments   what was given
//     RunStart         what is in force: a resume applied, nothing touched yet
//     TextSource       the text
//     Training         model, optimizer, communicators
//     RunFolder        the folder is this run's, now that nothing can be refused any more
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "app/failure.hpp"
#include "app/job.hpp"
#include "app/messages.hpp"
#include "app/program.hpp"
#include "app/run_start.hpp"
#include "base/atomic_file.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "checkpoint/launched_job.hpp"
#include "checkpoint/ownership.hpp"
#include "config/toml.hpp"
#include "dist/agreement.hpp"
#include "report/event_file.hpp"
#include "report/log_file.hpp"
#include "report/metrics_file.hpp"
#include "report/sample_file.hpp"
#include "report/screen.hpp"
#include "sample/loaded_model.hpp"
#include "train/training.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

/// The folder of a run while this attempt trains in it. Rank 0 owns and writes it.
class RunFolder final : public CheckpointSink {
 public:
  explicit RunFolder(fs::path path) : path_(std::move(path)), store_(path_ / "checkpoints") {}

  const fs::path& path() const { return path_; }

  /// Takes the folder, nothing in it is changed. UsageError if it is another attempt's.
  void own(Claim claim, Activity& activity) { ownership_.emplace(path_, claim, warn_on_stderr, activity); }

  /// UsageError if a run has begun here.
  void require_unused() const {
    for (const char* file : {"config.toml", "metrics.jsonl"}) {
      require<UsageError>(!fs::exists(path_ / file),
                          "'{}' has the files of a run that ended before its first checkpoint: start it again with "
                          "`resume`, or use another `name`",
                          path_.string());
    }
  }

  /// Makes it the folder of the run that `start` describes, once nothing can be refused any more.
  void enter(const RunStart& start, std::int64_t step, std::int64_t best_step) const {
    sweep_temporaries(path_);
    store_.sweep();
    if (start.from_path) {
      // Otherwise the next --resume would continue from the steps that this one abandons.
      const bool is_own = store_.has(start.checkpoint);
      const auto aside = store_.set_aside_after(is_own ? step : step - 1);
      if (aside) warn_on_stderr(fmt::format("later checkpoints of this run are in '{}' now", aside->string()));
      if (!is_own) store_.adopt(start.checkpoint, step);
    }
    if (!start.checkpoint.empty()) store_.restore_best(best_step);
    sign_folder(path_);  // first: what is in a folder without it is taken for another run's
    replace_file(path_ / "config.toml", write_toml(start.config));
  }

  std::string save(const Checkpoint& checkpoint, bool ends_cycle, bool is_best) override {
    const auto check = [&] { ownership_->check(); };
    check();  // a folder that was deleted must not come back
    return store_.save(checkpoint, ends_cycle, is_best, check).string();
  }
  fs::path best() override { return store_.best(); }

 private:
  fs::path path_;
  CheckpointStore store_;
  std::optional<Ownership> ownership_;
};

/// The plan tells paths to other ranks, and the config keeps them.
void require_utf8(const std::string& path) {
  require<UsageError>(is_utf8(path), "the path '{}' is not UTF-8; rename what it goes through", path);
}

/// Rank 0 plans and takes the folder; every rank gets the same plan.
RunStart agree_on_start(TrainArguments& arguments, Job& job, std::shared_ptr<RunFolder>& folder) {
  const std::string plan = on_root(job.control, job.signals, [&](Activity& activity) {
    // Planned first without touching anything, so that wrong options leave no trace; and again once the folder is ours,
    // because another attempt may have written into it until then. Warnings are printed only once.
    std::vector<std::string> warnings;
    Claim claim{};
    try {
      const RunStart start = plan_run(arguments, [&](const std::string& line) { warnings.push_back(line); });
      folder = std::make_shared<RunFolder>(folder_of(start.config));
      claim = start.claim;
    } catch (...) {
      std::ranges::for_each(warnings, warn_on_stderr);
      throw;
    }
    folder->own(claim, activity);
    RunStart start = plan_run(arguments, warn_on_stderr);
    if (!start.resumes) folder->require_unused();
    for (std::string& path : start.config.data.corpus) {
      path = fs::absolute(path).lexically_normal().string();  // so that a resume finds it, wherever it is started
      require_utf8(path);
    }
    require_utf8(start.checkpoint);
    require_utf8(folder->path().string());
    return nlohmann::json{{"config", write_toml(start.config)},
                          {"checkpoint", start.checkpoint},
                          {"from_path", start.from_path},
                          {"init_from", start.init_from},
                          {"extend_vocabulary", start.extend_vocabulary},
                          {"notes", start.notes}}
        .dump();
  });
  const nlohmann::json json = nlohmann::json::parse(plan);
  RunStart start;
  read_toml(json.at("config").get<std::string>(), "config", UnknownKeys::kRefuse, nullptr).apply(start.config);
  json.at("checkpoint").get_to(start.checkpoint);
  json.at("from_path").get_to(start.from_path);
  json.at("init_from").get_to(start.init_from);
  json.at("extend_vocabulary").get_to(start.extend_vocabulary);
  json.at("notes").get_to(start.notes);
  if (!folder) folder = std::make_shared<RunFolder>(folder_of(start.config));
  return start;
}

/// The observers that write into the run's folder, those of rank 0 only there.
std::vector<std::unique_ptr<TrainObserver>> make_reports(const fs::path& folder, const RunOptions& run, int rank) {
  std::vector<std::unique_ptr<TrainObserver>> reports;
  reports.push_back(std::make_unique<LogFile>(folder, rank, as_flags, warn_on_stderr));
  if (rank != 0) return reports;
  reports.push_back(std::make_unique<MetricsFile>(folder / "metrics.jsonl", warn_on_stderr));
  reports.push_back(std::make_unique<SampleFile>(folder / "samples.txt"));
  if (run.tensorboard) reports.push_back(std::make_unique<EventFile>(folder / "tensorboard", warn_on_stderr));
  return reports;
}

/// Collective. Trains, or continues a training, until a signal.
ExitCode run_training(TrainArguments& arguments, Job& job) {
  if (arguments.check) {
    const std::string config = on_root(job.control, job.signals, [&](Activity& activity) {
      const RunStart start = plan_run(arguments, warn_on_stderr);
      check_start(start.config, job.control.local_rank(), activity);
      return write_toml(start.config);
    });
    if (job.mpi.rank() == 0) fmt::print("{}", config);
    return ExitCode::kDone;
  }
  std::shared_ptr<RunFolder> folder;
  const RunStart start = agree_on_start(arguments, job, folder);
  job.control.set_timeout(Seconds(start.config.run.timeout));
  std::vector<TrainObserver*> observers{&job.signals};
  std::optional<Screen> screen;
  if (job.mpi.rank() == 0) observers.push_back(&screen.emplace(folder->path(), program_name(), as_flags));

  const std::unique_ptr<TextSource> text = open_text(start.config.data.corpus);
  Observers starting(observers);
  Training training(
      start.config, *text, job.control, starting,
      {.resume = start.checkpoint, .init_from = start.init_from, .extend_vocabulary = start.extend_vocabulary});
  if (!start.checkpoint.empty()) {
    training.add_note(fmt::format("resuming    {} at step {}", start.checkpoint, with_commas(training.first_step())));
  }
  for (const std::string& note : start.notes) training.add_note(note);
  on_root(job.control, [&] { folder->enter(start, training.first_step(), training.best_step()); });

  std::vector<std::unique_ptr<TrainObserver>> reports;
  together(job.control, [&] { reports = make_reports(folder->path(), start.config.run, job.mpi.rank()); });
  for (const auto& report : reports) observers.push_back(report.get());
  return training.run(observers, folder).code;
}

}  // namespace

Command train_command() {
  struct Arguments {
    TrainArguments train;
    Strings resume;
  };
  auto arguments = std::make_shared<Arguments>();
  Command command("train", "train a model, on as many ranks as mpirun or srun starts");
  command.add_training_options(arguments->train.sources);
  command.add(
      "init-from", &arguments->train.init_from, {}, "PATH",
      "start a new run with the weights and the vocabulary of this checkpoint or .safetensors file, on any text; a run "
      "that is resumed keeps its own");
  command.add(
      "extend-vocabulary", arguments->train.extend_vocabulary,
      "with `init-from`: add the text's further symbols, with fresh weights, instead of reading them as unknown");
  Argument& resume =
      command.add_paths("resume", Argument::Kind::kOptional, arguments->resume,
                        "go on from PATH, or from the run's newest good checkpoint; without any, start a new run");
  resume.take = [arguments](const Strings& words) {
    arguments->train.resume = true;
    if (!words.empty()) arguments->train.resume_path = words[0];
  };
  command.add(
      "check", arguments->train.check,
      "check the options, and with `resume` those that the run began with; print all that would be in force, as "
      "a config file has them; and start nothing. The text is not read, so what depends on its length is not "
      "checked, such as epochs or phases of less than a step");
  command.explain(
      "Sizes are those of the whole job, whatever the number of ranks. Exit codes: 0 done, 2 bad usage or config, 65 bad "
      "corpus or checkpoint, 75 interrupted (start again with `resume`), 70 a bug.",
      {"charrnn_dist train --corpus nietzsche.txt --model gru --name first",
       "mpirun -np 4 charrnn_dist train --config configs/lesson6/stateful_lstm_sgdr.toml --corpus nietzsche.txt",
       "mpirun -np 2 charrnn_dist train --name first --resume --epochs 8"});
  command.run_by([arguments] {
    TrainArguments& train = arguments->train;
    return run_job([&](Job& job) { return run_training(train, job); }, kLowerToTrain, &train.sources);
  });
  return command;
}

}  // namespace charrnn
