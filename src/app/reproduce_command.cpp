// charrnn_dist reproduce: the notebook's runs, one after the other, and a report that holds them against what
// the notebook printed.
#include <algorithm>
#include <filesystem>
#include <memory>

#include "app/commands.hpp"
#include "app/compute_options.hpp"
#include "app/device_choice.hpp"
#include "app/loaded_model.hpp"
#include "app/options.hpp"
#include "app/threads.hpp"
#include "app/training_run.hpp"
#include "base/processor.hpp"
#include "dist/agreement.hpp"
#include "report/experiment_report.hpp"
#include "report/text.hpp"
#include "sample/sampler.hpp"
#include "train/snapshot.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

struct ReproduceArguments {
  std::vector<std::string> runs;
  std::string experiments = "configs/lesson6", corpus, run_dir = "runs/lesson6", report;
  std::int64_t max_steps = 0;
  ComputeOptions compute;
  bool list = false;
};

/// The experiments that were asked for, in their own order.
std::vector<Experiment> choose(const ReproduceArguments& arguments) {
  std::vector<Experiment> all = read_experiments(fs::path(arguments.experiments) / "experiments.json");
  std::vector<std::string> names;
  for (const Experiment& experiment : all) names.push_back(experiment.name);
  for (const std::string& name : arguments.runs) {
    require<UsageError>(std::find(names.begin(), names.end(), name) != names.end(),
                        "there is no run '{}'; there are: {}", name, fmt::join(names, " "));
  }
  std::erase_if(all, [&](const Experiment& experiment) {
    return arguments.runs.empty() ? experiment.by_name_only
                                  : std::find(arguments.runs.begin(), arguments.runs.end(),
                                              experiment.name) == arguments.runs.end();
  });
  return all;
}

fs::path config_file(const ReproduceArguments& arguments, const Experiment& experiment) {
  return fs::path(arguments.experiments) / (experiment.name + ".toml");
}

ExitCode train(const ReproduceArguments& arguments, const Experiment& experiment, const StopSignals& signals,
               Job& job) {
  TrainArguments training;
  training.resume = true;
  training.apply_given = [&](RunConfig& config) {
    read_config_file(config_file(arguments, experiment).string(), config);
    config.data.corpus = arguments.corpus;
    config.run.run_dir = arguments.run_dir;
    config.run.name = experiment.name;
    config.run.device = arguments.compute.device;
    config.run.engine = arguments.compute.engine;
    config.run.threads = arguments.compute.threads;
    config.run.timeout = arguments.compute.timeout;
    config.optimizer.max_steps = arguments.max_steps;
  };
  return run_training(training, signals, job);
}

/// What a model writes after `prime`.
std::string write(const LoadedModel& loaded, const std::string& prime, std::int64_t length,
                  const SampleOptions& options) {
  Sampler sampler({loaded.model.get()}, loaded.vocabulary, options, loaded.settings.window);
  sampler.prime(prime);
  std::string text;
  for (std::int64_t i = 0; i < length; ++i) text += sampler.next()[0];
  return text;
}

/// Loss curves and predictions of a run, as far as it is. Rank 0 only.
ExperimentResult result_of(const ReproduceArguments& arguments, const Experiment& experiment, Device device) {
  constexpr std::int64_t kGreedy = 40, kDrawn = 400;  // as the notebook
  const fs::path folder = fs::path(arguments.run_dir) / experiment.name;
  ExperimentResult result;
  result.experiment = experiment;
  result.config = config_file(arguments, experiment).string();
  result.epochs = read_epochs(folder / "metrics.jsonl");
  if (!CheckpointStore(folder / "checkpoints").any()) return result;
  ThreadTeam team;
  const LoadedModel loaded =
      load_model(resolve_checkpoint(folder, warn_on_stderr).string(), {.device = device, .team = team});
  result.model = fmt::format("{} parameters, step {}", with_commas(loaded.model->layout().count()),
                             with_commas(loaded.checkpoint.step));
  result.finished = std::ssize(result.epochs) >= std::ssize(experiment.train) && !result.epochs.empty();
  for (const auto& [prime, printed] : experiment.next) {
    result.next.emplace_back(prime, write(loaded, prime, 1, {.greedy = true}));
  }
  if (!experiment.prime.empty()) {
    const std::string& prime = experiment.prime;
    result.greedy = prime + write(loaded, prime, kGreedy, {.greedy = true});
    result.sampled = prime + write(loaded, prime, kDrawn, {});
  }
  return result;
}

ExitCode run_reproduce(const ReproduceArguments& arguments, const StopSignals& signals, Job& job) {
  require<UsageError>(!arguments.corpus.empty(), "reproduce needs --corpus: launch/fetch_nietzsche gets it");
  std::vector<Experiment> experiments;
  together(job.control, [&] { experiments = choose(arguments); });
  RunConfig config;
  config.run.threads = arguments.compute.threads;
  const Resources resources = choose_threads(config, job);
  const ReportFacts facts{fmt::format("launch/run -np {} reproduce{}{} --corpus {}", job.mpi.size(),
                                      arguments.runs.empty() ? "" : " ", fmt::join(arguments.runs, " "),
                                      fs::path(arguments.corpus).filename().string()),
                          fmt::format("{} rank(s) x {} thread(s), {}", job.mpi.size(), resources.threads,
                                      processor_description()),
                          utc_now()};
  const fs::path folder =
      arguments.report.empty() ? fs::path(arguments.run_dir) / "report" : fs::path(arguments.report);
  const Device device =
      choose_device(arguments.compute.device, job.mpi.local_rank(), [](const std::string&) {});
  ExitCode code = ExitCode::kDone;
  std::vector<ExperimentResult> results;  // on rank 0
  for (std::size_t i = 0; i < experiments.size() && code == ExitCode::kDone; ++i) {
    if (job.mpi.rank() == 0)
      fmt::print("--- {} ({} of {})\n", experiments[i].name, i + 1, experiments.size());
    code = train(arguments, experiments[i], signals, job);
    on_root(job.control, [&] {  // after every run: a report of what there is
      results.resize(experiments.size());
      for (std::size_t one = 0; one < experiments.size(); ++one) {
        // Later, only the run that has just ended is another than before.
        if (i == 0 || one == i) results[one] = result_of(arguments, experiments[one], device);
      }
      write_report(folder, results, facts);
      return std::string();
    });
  }
  if (job.mpi.rank() == 0) fmt::print("report: {}\n", (folder / "report.md").string());
  return code;
}

void print_list(const ReproduceArguments& arguments) {
  for (const Experiment& one : read_experiments(fs::path(arguments.experiments) / "experiments.json")) {
    fmt::print("{:<24} {}{}\n", one.name, one.title, one.by_name_only ? " (only by name)" : "");
  }
}

}  // namespace

void add_reproduce_command(CLI::App& app, ExitCode& outcome) {
  auto arguments = std::make_shared<ReproduceArguments>();
  CLI::App* command = app.add_subcommand(
      "reproduce", "train the runs of fast.ai's lesson 6 notebook again and report how they compare");
  command->add_option("runs", arguments->runs, "names of runs; default: all")->expected(0, -1);
  command->add_flag("--list", arguments->list, "print the names of the runs");
  command->add_option("--corpus", arguments->corpus, "the notebook's text (launch/fetch_nietzsche)");
  command->add_option("--experiments", arguments->experiments, "folder of experiments.json and the configs")
      ->capture_default_str();
  command->add_option("--run-dir", arguments->run_dir, "folder of all runs")->capture_default_str();
  command->add_option("--report", arguments->report, "folder of the report; default: <run-dir>/report");
  command->add_option("--max-steps", arguments->max_steps, "end every run after so many steps; 0: no limit")
      ->capture_default_str();
  arguments->compute.declare(*command);
  command->footer(
      "A run that was stopped goes on where it was; a finished one is only reported.\n"
      "Examples:\n"
      "  launch/run -np 2 reproduce --corpus nietzsche.txt\n"
      "  launch/run -np 2 reproduce char_rnn stateful_gru --corpus nietzsche.txt");
  command->callback([arguments, &outcome] {
    if (arguments->list) return print_list(*arguments);
    const StopSignals signals;
    outcome = run_job([&](Job& job) { return run_reproduce(*arguments, signals, job); });
  });
}

}  // namespace charrnn
