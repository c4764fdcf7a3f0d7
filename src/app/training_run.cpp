#include "app/training_run.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "app/job.hpp"
#include "app/loaded_model.hpp"
#include "app/options.hpp"
#include "app/reproducibility.hpp"
#include "app/run_folder.hpp"
#include "app/start_screen.hpp"
#include "app/training_setup.hpp"
#include "base/atomic_file.hpp"
#include "dist/agreement.hpp"
#include "train/snapshot.hpp"
#include "train/trainer.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

/// Rank 0 plans and takes the folder; every rank gets the same plan. Else nothing is touched.
RunStart agree_on_start(const TrainArguments& arguments, Job& job, std::optional<Ownership>& ownership) {
  const std::string plan = on_root(job.control, [&] {
    // Wrong options come to light before anything is touched. Only a resumed run has something to warn of,
    // and that is told once: by its second plan, or here where there is none.
    std::vector<std::string> warnings;
    RunStart start;
    try {
      start = plan_run(arguments, [&](const std::string& warning) { warnings.push_back(warning); });
    } catch (...) {
      std::ranges::for_each(warnings, warn_on_stderr);
      throw;
    }
    const fs::path folder = folder_of(start.config);
    std::error_code error;
    fs::create_directories(folder, error);
    require<UsageError>(!error, "cannot make the run's folder '{}': {}", folder.string(), error.message());
    ownership.emplace(folder, warn_on_stderr);
    // Until now another attempt may have written checkpoints and removed older ones.
    if (arguments.resume) start = plan_run(arguments, warn_on_stderr);
    start.config.data.corpus = fs::absolute(start.config.data.corpus).lexically_normal().string();
    return nlohmann::json{{"config", write_config(start.config)},
                          {"checkpoint", start.checkpoint},
                          {"init_from", start.init_from}}
        .dump();
  });
  const nlohmann::json json = nlohmann::json::parse(plan);
  RunStart start;
  read_config(json.at("config").get<std::string>(), "config", start.config);
  start.checkpoint = json.at("checkpoint").get<std::string>();
  start.init_from = json.at("init_from").get<std::string>();
  return start;
}

/// Makes the folder that of this run, which goes on from `step`, once nothing can be refused any more.
void enter_folder(const TrainArguments& arguments, const RunStart& start, std::int64_t step, Job& job) {
  on_root(job.control, [&] {
    const fs::path folder = folder_of(start.config);
    const CheckpointStore store(folder / "checkpoints");
    store.sweep();
    if (!arguments.resume_path.empty()) {
      // Else the next --resume would take the branch up again that this one leaves.
      const bool is_own = store.has(start.checkpoint);
      const auto aside = store.set_aside_after(is_own ? step : step - 1);
      if (aside)
        warn_on_stderr(fmt::format("later checkpoints of this run are in '{}' now", aside->string()));
      if (!is_own) store.adopt(start.checkpoint, step);
    }
    replace_file(folder / "config.toml", write_config(start.config));
    std::error_code error;
    if (start.checkpoint.empty()) fs::remove(folder / "samples.txt", error);
    return std::string();
  });
}

/// A checkpoint continues only on the text that it was trained on, in as many columns.
void check_data(const Checkpoint& checkpoint, const std::string& file, const CorpusSummary& corpus,
                const DataConfig& data) {
  const std::string& path = data.corpus;
  require(checkpoint.data.corpus_sha256 == corpus.sha256,
          "'{}' is not the corpus that the checkpoint was trained on: its SHA-256 is {}, that one's was {}",
          path, corpus.sha256, checkpoint.data.corpus_sha256);
  require(checkpoint.data.columns == data.columns, "the checkpoint '{}' is of {} columns, the run of {}",
          file, checkpoint.data.columns, data.columns);
}

}  // namespace

ExitCode run_training(const TrainArguments& arguments, const StopSignals& signals, Job& job) {
  std::optional<Ownership> ownership;  // only on rank 0
  const RunStart start = agree_on_start(arguments, job, ownership);
  const RunConfig& config = start.config;
  const fs::path folder = folder_of(config);
  job.control.set_timeout(Seconds(config.run.timeout));

  TrainingSetup setup(config, job);
  const CorpusSummary& corpus = setup.data.text.corpus;
  const Vocabulary& vocabulary = *setup.data.vocabulary;
  LanguageModel& model = *setup.model;
  Optimizer& optimizer = *setup.optimizer;
  Batches& batches = *setup.data.training;
  const Schedule schedule(config.schedule, config.optimizer, batches.per_epoch());

  // What it starts from. Every rank reads the file: the run's folder is on a file system that all share.
  std::optional<Checkpoint> checkpoint;
  together(job.control, [&] {
    if (!start.checkpoint.empty()) {
      checkpoint = read_checkpoint(start.checkpoint, Parts::kAll, [&](const Checkpoint& described) {
        check_data(described, start.checkpoint, corpus, config.data);
        return model.layout();
      });
      load_weights(model, *checkpoint);
      from_checkpoint(start.checkpoint, [&] { load_optimizer(optimizer, model.layout(), *checkpoint); });
    } else if (!start.init_from.empty()) {
      load_weights(model, read_checkpoint(start.init_from, Parts::kModel, [&](const Checkpoint& other) {
                     require(
                         other.vocabulary.symbols == vocabulary.symbols(),
                         "the checkpoint '{}' has another vocabulary ({} symbols) than this text gives ({})",
                         start.init_from, other.vocabulary.symbols.size(), vocabulary.size());
                     return model.layout();
                   }));
    }
  });
  std::optional<WeightAverage> average;
  if (config.optimizer.weight_average > 0) {
    average.emplace(model, config.optimizer.weight_average);
  }
  if (checkpoint) together(job.control, [&] { load_trained(model, *checkpoint); });

  const std::int64_t first_step = checkpoint ? checkpoint->step : 0;
  enter_folder(arguments, start, first_step, job);

  const double peak = setup.measure_products(job);

  std::optional<Reporter> reporter;
  together(job.control, [&] {
    reporter.emplace(folder, job.mpi.rank(),
                     RunLength{first_step, schedule.last_step(), schedule.epochs(), batches.per_epoch()});
  });
  show_start(*reporter, {config, setup, schedule, job, start.checkpoint, first_step, peak});
  for (const std::string& note : setup.notes) reporter->info(note);
  if (config.run.reproducible) {
    for (const std::string& doubt : doubts_about_bits(checkpoint ? &*checkpoint : nullptr, job)) {
      reporter->warn(doubt);
    }
  }

  const CheckpointStore store(folder / "checkpoints");
  Trainer trainer({config, corpus, vocabulary, schedule, batches, setup.data.validation.get(), model,
                   optimizer, average ? &*average : nullptr, signals, job.control,
                   setup.step_parts(config, job), store, ownership ? &*ownership : nullptr, *reporter,
                   write_config(config), peak});
  if (checkpoint) trainer.resume(*checkpoint);
  try {
    const ExitCode code = trainer.run();
    show_end(*reporter, code, folder, trainer.step());
    return code;
  } catch (const std::exception& error) {
    reporter->log(std::string("stopped: ") + error.what());
    throw;
  }
}

}  // namespace charrnn
