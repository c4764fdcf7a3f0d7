// charrnn_dist eval: the exact loss of checkpoints on a text, on any number of ranks.
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/checkpoint_path.hpp"
#include "app/job.hpp"
#include "app/messages.hpp"
#include "app/precision_note.hpp"
#include "app/program.hpp"
#include "app/text_loss.hpp"
#include "base/text.hpp"
#include "checkpoint/contents.hpp"
#include "dist/agreement.hpp"
#include "dist/device_choice.hpp"
#include "sample/loaded_model.hpp"
#include "train/dynamic_evaluation.hpp"
#include "train/reduction_mode.hpp"
#include "train/snapshot.hpp"
#include "train/text_data.hpp"
#include "train/validation.hpp"

namespace charrnn {

namespace {

struct EvalArguments {
  std::vector<std::string> checkpoints, ensemble;
  Paths corpus;
  std::string part = "all";
  std::int64_t columns = 1, characters = 0, window = 0, dynamic_rows = 20;
  DynamicOptions dynamic;
  ConfigSources sources;
  RunOptions compute;  ///< threads, timeout, device, engine, precision
  bool json = false;
};

/// The part of the text that --part names, as the training of `model` cut and split it.
std::unique_ptr<Batches> batches_of_part(const EvalArguments& arguments, const LoadedModel& model,
                                         const RunConfig& config, const ReductionMode& mode, const ScannedText& text,
                                         Job& job) {
  const std::string& part = arguments.part;
  if (model.settings.window > 0) {
    require_option(arguments.window == 0, "window",
                   "'{}' was trained on windows of its own; `window` is for models that carry their state", model.path);
    return evaluation_windows(text, model.vocabulary, window_layout(config.data),
                              part == "train"        ? WindowPart::kTraining
                              : part == "validation" ? WindowPart::kValidation
                                                     : WindowPart::kAll,
                              config.run.seed, mode.sharding(config.data.columns, job.control), job.control);
  }
  const std::int64_t split = model.checkpoint.data.train_characters;
  require(part == "all" || split <= text.corpus.characters,
          "'{}' has {} characters, fewer than the {} that the model was trained on; use --part all", text.name,
          text.corpus.characters, split);
  const std::int64_t first = part == "validation" ? split : 0;
  const std::int64_t end = part == "train" ? split : text.corpus.characters;
  const std::int64_t rows = arguments.dynamic.rate > 0 ? arguments.dynamic_rows : kEvaluationRows;
  return evaluation_columns(text, model.vocabulary, first,
                            arguments.characters > 0 ? first + std::min(end - first, arguments.characters) : end,
                            {.columns = arguments.columns,
                             .rows = arguments.window > 0 ? arguments.window : rows,
                             .carries_state = arguments.window == 0},
                            mode.sharding(arguments.columns, job.control), job.control);
}

void print_result(const EvalArguments& arguments, const std::vector<LoadedModel>& models, const Evaluation& result,
                  std::int64_t unknown, Precision precision) {
  std::vector<std::string> paths;
  for (const LoadedModel& model : models) paths.push_back(model.path);
  if (arguments.json) {
    nlohmann::ordered_json json;
    if (arguments.ensemble.empty()) {
      json["checkpoint"] = paths[0];
    } else {
      json["ensemble"] = paths;
    }
    const nlohmann::ordered_json corpus = arguments.corpus;  // a list, but for one path
    json["corpus"] = corpus.size() == 1 ? corpus[0] : corpus;
    json["part"] = arguments.part;
    json["precision"] = name_of(precision);
    if (models[0].settings.window == 0) json["columns"] = arguments.columns;
    if (arguments.window > 0) json["window"] = arguments.window;
    if (arguments.dynamic.rate > 0) {
      json["dynamic"] = {
          {"rate", arguments.dynamic.rate}, {"decay", arguments.dynamic.decay}, {"rows", arguments.dynamic_rows}};
    }
    json["characters"] = result.characters;
    json["unknown_characters"] = unknown;
    json["unknown_share"] = static_cast<double>(unknown) / static_cast<double>(result.characters);
    json["loss"] = result.loss();
    json["bits_per_character"] = bits(result.loss());
    json["perplexity"] = std::exp(result.loss());
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{}: {} ({}, {} column{}{}{})\n",
               arguments.ensemble.empty() ? paths[0] : fmt::format("ensemble of {}", fmt::join(paths, ", ")),
               text_loss(result.loss(), result.characters, unknown), arguments.part, arguments.columns,
               arguments.columns == 1 ? "" : "s",
               arguments.window > 0 ? fmt::format(", windows of {} from a state of zero", arguments.window) : "",
               precision != Precision::kFp32 ? fmt::format(", {}", name_of(precision)) : "");
  }
}

/// How the run of `model` computed, which decides whether the result has the same bits on any number of
/// ranks.
RunConfig config_of_run(const EvalArguments& arguments, const LoadedModel& model) {
  RunConfig config = config_of(model.checkpoint, model.path);
  RunOptions& run = config.run;
  run.engine = arguments.compute.engine;
  if (!run.reproducible || arguments.compute.threads > 0) run.threads = arguments.compute.threads;
  return config;
}

Evaluation evaluate_adapting(const EvalArguments& arguments, LoadedModel& loaded, const RunConfig& config,
                             const ReductionMode& mode, Batches& batches, Device device, Activity& activity, Job& job) {
  const auto warn = [&](const std::string& line) {
    if (job.mpi.rank() == 0) warn_on_stderr(line);
  };
  const std::unique_ptr<Communicator> gradients =
      job.control.make_gradient_communicator("auto", device, Seconds(arguments.compute.timeout), warn);
  const std::unique_ptr<GradientReducer> reducer = mode.make_reducer(*loaded.model, batches.sharding(), *gradients);
  return evaluate_dynamically(
      *loaded.model, mean_square_of_gradients(loaded.model->layout(), loaded.checkpoint, config.optimizer.betas.at(1)),
      arguments.dynamic, batches, job.control, *reducer, activity);
}

/// The same on all ranks, also of runs that go on writing.
std::vector<std::string> agree_on_files(const std::vector<std::string>& paths, Job& job) {
  const std::string files = on_root(job.control, [&] {
    nlohmann::json found = nlohmann::json::array();
    for (const std::string& path : paths) found.push_back(checkpoint_to_use(path));
    return found.dump();
  });
  return nlohmann::json::parse(files).get<std::vector<std::string>>();
}

/// Evaluates one model, or several as an ensemble.
void evaluate_models(const EvalArguments& arguments, const std::vector<std::string>& paths, Device device,
                     const Warn& warn, Job& job) {
  ThreadTeam team;
  const Compute compute{.device = device,
                        .engine = arguments.compute.engine,
                        .precision = precision_named(arguments.compute.precision),
                        .team = team};
  std::vector<LoadedModel> models;
  const std::vector<std::string> files = agree_on_files(paths, job);
  RunConfig config;
  // Dynamic evaluation takes the optimizer's mean squares, too.
  const Parts parts = arguments.dynamic.rate > 0 ? Parts::kAll : Parts::kModel;
  together(job.control, [&] {
    models = load_ensemble(files, compute, parts);
    config = config_of_run(arguments, models[0]);
  });
  const Warn tell = job.mpi.rank() == 0 ? Warn(tell_on_stderr) : Warn([](const std::string&) {});
  const Precision precision = precision_used(config.model, compute, tell);
  JobActivity activity(job);
  const std::unique_ptr<TextSource> source = open_text(arguments.corpus);
  const ScannedText text = scan_text(*source,
                                     {.vocabulary = models[0].vocabulary.options(),
                                      .known_sha256 = models[0].checkpoint.data.corpus_sha256,
                                      .takes_bytes = false},
                                     job.control, activity);
  activity.clear();
  if (!text.corpus.left_out.empty()) warn("left out of the corpus: " + text.corpus.left_out);
  const ReductionMode mode(config.run);
  const Resources resources = choose_resources(config, mode, job.control);
  std::ranges::for_each(resources.warnings, warn);
  find_engine(config.model, compute).set_threads(resources.choice.threads, mode.is_reproducible(), compute);
  const std::unique_ptr<Batches> batches = batches_of_part(arguments, models[0], config, mode, text, job);
  if (batches->carry_state() && job.mpi.size() > arguments.columns) {
    warn(fmt::format("{} ranks share {} column(s): the others have nothing to do; use --columns", job.mpi.size(),
                     arguments.columns));
  }
  const std::int64_t unknown = count_unknown(*batches, models[0].vocabulary, job.control, activity);
  activity.clear();
  warn_of_unknown(models[0].path, batches->targets_per_epoch(), unknown, warn);
  std::vector<LanguageModel*> pointers;
  for (const LoadedModel& model : models) pointers.push_back(model.model.get());
  const Evaluation result = arguments.dynamic.rate > 0
                                ? evaluate_adapting(arguments, models[0], config, mode, *batches, device, activity, job)
                            : models.size() == 1 ? evaluate(*pointers[0], *batches, job.control, activity)
                                                 : evaluate_ensemble(pointers, *batches, job.control, activity);
  activity.clear();
  if (job.mpi.rank() == 0) print_result(arguments, models, result, unknown, precision);
}

ExitCode run_eval(const EvalArguments& arguments, Job& job) {
  job.control.set_timeout(Seconds(arguments.compute.timeout));
  require<UsageError>(arguments.checkpoints.empty() != arguments.ensemble.empty(),
                      "eval needs either the PATH of a checkpoint or of a run's folder, or --ensemble");
  require_option(arguments.dynamic.rate == 0 || arguments.ensemble.empty(), "dynamic-rate",
                 "`dynamic-rate` adapts one model; it does not go with `ensemble`");
  require_option(
      arguments.dynamic.rate == 0 || arguments.compute.precision != "int8", "precision",
      "`dynamic-rate` trains the model, and nothing can be trained with weights of 8 bits (`precision` int8)");
  require_option(arguments.dynamic.rate == 0 || arguments.window == 0, "window",
                 "`dynamic-rate` learns from what was read before, which `window` forgets; leave one of them away");
  const Warn warn = job.mpi.rank() == 0 ? Warn(warn_on_stderr) : Warn([](const std::string&) {});
  const Device device = choose_device(arguments.compute.device, job.mpi.local_rank(), warn);
  if (!arguments.ensemble.empty()) evaluate_models(arguments, arguments.ensemble, device, warn, job);
  for (const std::string& path : arguments.checkpoints) {
    evaluate_models(arguments, {path}, device, warn, job);
  }
  return ExitCode::kDone;
}

}  // namespace

Command eval_command() {
  auto arguments = std::make_shared<EvalArguments>();
  Command command("eval", "compute the exact loss of a checkpoint on a text");
  constexpr const char* kPaths =
      "checkpoints, .safetensors files, or folders of runs (the best checkpoint of each): one after the other";
  command.add_paths("PATH", Argument::Kind::kWords, arguments->checkpoints, kPaths).value = "PATH...";
  command.add_paths("checkpoint", Argument::Kind::kList, arguments->checkpoints, "the same as PATH");
  command.add_paths("ensemble", Argument::Kind::kList, arguments->ensemble,
                    "evaluate several together: the mean of their probabilities");
  command.add("corpus", &arguments->corpus, {}, "PATH", "text to evaluate on: what train takes").required = true;
  command.add("part", &arguments->part, one_of("train|validation|all"), "", "part of the text, divided as in training");
  command.add("dynamic-rate", &arguments->dynamic.rate, at_least(0), "RATE",
              "dynamic evaluation: learn at this rate from what was read, such as 1e-4; 0: do not learn");
  command.add("dynamic-decay", &arguments->dynamic.decay, probability(), "X",
              "share of the way back to the trained weights after each update, such as 1e-3");
  command.add("dynamic-rows", &arguments->dynamic_rows, at_least(1), "N", "time steps between updates");
  command.add("characters", &arguments->characters, at_least(0), "N",
              "only the first N characters of the part; 0: all. Not for models of windows");
  command.add("columns", &arguments->columns, at_least(1), "N", "read the text in N columns at once");
  command.add(
      "window", &arguments->window, at_least(0), "N",
      "begin every N characters with a hidden state of zero, as models are measured that see no more than a window of "
      "text; 0: carry it");
  command.add_training_options(arguments->sources, {"threads", "timeout", "device", "engine", "precision"});
  command.add("json", arguments->json, "print a JSON object per checkpoint; its precision is what was computed in");
  command.explain("",
                  {"charrnn_dist eval runs/lstm --corpus nietzsche.txt --part validation",
                   "charrnn_dist eval --ensemble runs/lstm/checkpoints/cycle_4.h5 runs/lstm/checkpoints/cycle_5.h5 "
                   "--corpus nietzsche.txt --part validation",
                   "mpirun -np 4 charrnn_dist eval runs/lstm/checkpoints/best --corpus big.txt --columns 64 --json"});
  command.run_by([arguments] {
    RunConfig config;
    arguments->sources.given().apply(config);
    arguments->compute = config.run;
    return run_job([&](Job& job) { return run_eval(*arguments, job); }, "lower `columns`");
  });
  return command;
}

}  // namespace charrnn
