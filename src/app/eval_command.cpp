// charrnn_dist eval: the exact loss of checkpoints on a text, on any number of ranks.
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.hpp"
#include "app/compute_options.hpp"
#include "app/device_choice.hpp"
#include "app/gradient_communicator.hpp"
#include "app/job.hpp"
#include "app/loaded_model.hpp"
#include "app/text_data.hpp"
#include "app/threads.hpp"
#include "app/training_setup.hpp"
#include "dist/agreement.hpp"
#include "report/text.hpp"
#include "train/dynamic_evaluation.hpp"
#include "train/snapshot.hpp"
#include "train/validation.hpp"

namespace charrnn {

namespace {

struct EvalArguments {
  std::vector<std::string> checkpoints, ensemble;
  std::string corpus, part = "all";
  std::int64_t columns = 1, dynamic_rows = 20;
  DynamicOptions dynamic;
  ComputeOptions compute;
  bool json = false;
};

/// The part of the text that --part names, as the training of `model` cut and split it.
std::unique_ptr<Batches> batches_of_part(const EvalArguments& arguments, const LoadedModel& model,
                                         const RunOptions& run, const ScannedText& text, Job& job) {
  const std::string& part = arguments.part;
  if (model.config.data.window > 0) {
    return evaluation_windows(text, model.vocabulary, window_layout(model.config.data),
                              part == "train"        ? WindowPart::kTraining
                              : part == "validation" ? WindowPart::kValidation
                                                     : WindowPart::kAll,
                              run.seed, make_sharding(run, model.config.data.columns, job), job);
  }
  const std::int64_t split = model.checkpoint.data.train_characters;
  require(part == "all" || split <= text.corpus.characters,
          "'{}' has {} characters, fewer than the {} that the model was trained on; use --part all",
          arguments.corpus, text.corpus.characters, split);
  return evaluation_columns(text, model.vocabulary, part == "validation" ? split : 0,
                            part == "train" ? split : text.corpus.characters, arguments.columns,
                            arguments.dynamic.rate > 0 ? arguments.dynamic_rows : kEvaluationRows,
                            make_sharding(run, arguments.columns, job), job);
}

void print_result(const EvalArguments& arguments, const std::vector<LoadedModel>& models,
                  const Evaluation& result) {
  std::vector<std::string> paths;
  for (const LoadedModel& model : models) paths.push_back(model.path);
  if (arguments.json) {
    nlohmann::ordered_json json;
    if (arguments.ensemble.empty()) {
      json["checkpoint"] = paths[0];
    } else {
      json["ensemble"] = paths;
    }
    json["corpus"] = arguments.corpus;
    json["part"] = arguments.part;
    if (models[0].config.data.window == 0) json["columns"] = arguments.columns;
    if (arguments.dynamic.rate > 0) {
      json["dynamic"] = {{"rate", arguments.dynamic.rate},
                         {"decay", arguments.dynamic.decay},
                         {"rows", arguments.dynamic_rows}};
    }
    json["characters"] = result.characters;
    json["loss"] = result.loss();
    json["bits_per_character"] = bits(result.loss());
    json["perplexity"] = std::exp(result.loss());
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{}: {:.6f} nats = {:.6f} bits per character over {} characters ({}, {} column{})\n",
               arguments.ensemble.empty() ? paths[0] : fmt::format("ensemble of {}", fmt::join(paths, ", ")),
               result.loss(), bits(result.loss()), with_commas(result.characters), arguments.part,
               arguments.columns, arguments.columns == 1 ? "" : "s");
  }
}

/// How the run of `model` computed, which decides whether the result has the same bits on any number of
/// ranks.
RunConfig config_of_run(const EvalArguments& arguments, const LoadedModel& model) {
  RunConfig config = model.config;
  RunOptions& run = config.run;
  run.engine = arguments.compute.engine;
  if (!run.reproducible || arguments.compute.threads > 0) run.threads = arguments.compute.threads;
  return config;
}

Evaluation evaluate_adapting(const EvalArguments& arguments, LoadedModel& loaded, const RunOptions& run,
                             Batches& batches, Device device, Job& job) {
  GradientCommunicator gradients("auto", device, job, Seconds(arguments.compute.timeout));
  const std::unique_ptr<GradientReducer> reducer =
      make_reducer(run, *loaded.model, batches.sharding(), gradients.communicator());
  return evaluate_dynamically(*loaded.model,
                              mean_square_of_gradients(loaded.model->layout(), loaded.checkpoint,
                                                       loaded.config.optimizer.betas.at(1)),
                              arguments.dynamic, batches, job.control, *reducer);
}

/// The same on all ranks, also of runs that go on writing.
std::vector<std::string> agree_on_files(const std::vector<std::string>& paths, const Warn& warn, Job& job) {
  const std::string files = on_root(job.control, [&] {
    nlohmann::json found = nlohmann::json::array();
    for (const std::string& path : paths) found.push_back(resolve_checkpoint(path, warn).string());
    return found.dump();
  });
  return nlohmann::json::parse(files).get<std::vector<std::string>>();
}

/// Evaluates one model, or several as an ensemble.
void evaluate_models(const EvalArguments& arguments, const std::vector<std::string>& paths, Device device,
                     const Warn& warn, Job& job) {
  ThreadTeam team;
  const Compute compute{.device = device, .engine = arguments.compute.engine, .team = team};
  std::vector<LoadedModel> models;
  const std::vector<std::string> files = agree_on_files(paths, warn, job);
  together(job.control, [&] { models = load_ensemble(files, compute, warn); });
  const ScannedText text = scan_text(arguments.corpus, {.vocabulary = models[0].vocabulary.options()}, job);
  const RunConfig config = config_of_run(arguments, models[0]);
  const RunOptions& run = config.run;
  find_engine(config.model, compute)
      .set_threads(choose_threads(config, job).threads, run.reproducible, compute);
  const std::unique_ptr<Batches> batches = batches_of_part(arguments, models[0], run, text, job);
  if (batches->carry_state() && job.mpi.size() > arguments.columns) {
    warn(fmt::format("{} ranks share {} column(s): the others have nothing to do; use --columns",
                     job.mpi.size(), arguments.columns));
  }
  std::vector<LanguageModel*> pointers;
  for (const LoadedModel& model : models) pointers.push_back(model.model.get());
  const Evaluation result = arguments.dynamic.rate > 0
                                ? evaluate_adapting(arguments, models[0], run, *batches, device, job)
                            : models.size() == 1 ? evaluate(*pointers[0], *batches, job.control)
                                                 : evaluate_ensemble(pointers, *batches, job.control);
  if (job.mpi.rank() == 0) print_result(arguments, models, result);
}

ExitCode run_eval(const EvalArguments& arguments, Job& job) {
  require<UsageError>(arguments.columns >= 1, "--columns must be at least 1, not {}", arguments.columns);
  job.control.set_timeout(Seconds(arguments.compute.timeout));
  require<UsageError>(arguments.checkpoints.empty() != arguments.ensemble.empty(),
                      "eval needs either --checkpoint or --ensemble");
  const auto& [rate, decay] = arguments.dynamic;
  require<UsageError>(
      rate >= 0 && decay >= 0 && decay < 1 && arguments.dynamic_rows >= 1,
      "--dynamic-rate must be at least 0, --dynamic-decay in [0, 1), --dynamic-rows at least 1");
  require<UsageError>(rate == 0 || arguments.ensemble.empty(),
                      "--dynamic-rate adapts one model; it does not go with --ensemble");
  const Warn warn = job.mpi.rank() == 0 ? Warn(warn_on_stderr) : Warn([](const std::string&) {});
  const Device device = choose_device(arguments.compute.device, job.mpi.local_rank(), warn);
  if (!arguments.ensemble.empty()) evaluate_models(arguments, arguments.ensemble, device, warn, job);
  for (const std::string& path : arguments.checkpoints) {
    evaluate_models(arguments, {path}, device, warn, job);
  }
  return ExitCode::kDone;
}

}  // namespace

void add_eval_command(CLI::App& app, ExitCode& outcome) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = app.add_subcommand("eval", "exact loss of a checkpoint on a text");
  command
      ->add_option("--checkpoint", arguments->checkpoints,
                   "checkpoints, or folders of runs: one after the other")
      ->expected(1, -1);
  command
      ->add_option("--ensemble", arguments->ensemble, "the same, together: the mean of their probabilities")
      ->expected(2, -1);
  command->add_option("--corpus", arguments->corpus, "the text (UTF-8)")->required();
  command->add_option("--part", arguments->part, "train, validation or all; the split is the checkpoint's")
      ->check(CLI::IsMember({"train", "validation", "all"}))
      ->capture_default_str();
  command->add_option("--dynamic-rate", arguments->dynamic.rate,
                      "dynamic evaluation: learn at this rate from what was read (0: off; try 1e-4)");
  command->add_option("--dynamic-decay", arguments->dynamic.decay,
                      "part of the way back to the trained weights after each update (try 1e-3)");
  command->add_option("--dynamic-rows", arguments->dynamic_rows, "rows that are read between updates")
      ->capture_default_str();
  command->add_option("--columns", arguments->columns, "read the text in so many columns at once")
      ->capture_default_str();
  arguments->compute.declare(*command);
  command->add_flag("--json", arguments->json, "one JSON object a checkpoint");
  command->footer(
      "Examples:\n"
      "  charrnn_dist eval --checkpoint runs/lstm --corpus nietzsche.txt --part validation\n"
      "  charrnn_dist eval --ensemble runs/lstm/checkpoints/cycle_4.h5 runs/lstm/checkpoints/cycle_5.h5 "
      "--corpus nietzsche.txt --part validation\n"
      "  mpirun -np 4 charrnn_dist eval --checkpoint runs/lstm/checkpoints/best --corpus big.txt --columns "
      "64 --json");
  command->callback(
      [arguments, &outcome] { outcome = run_job([&](Job& job) { return run_eval(*arguments, job); }); });
}

}  // namespace charrnn
