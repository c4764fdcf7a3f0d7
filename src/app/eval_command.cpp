// charrnn_dist eval: the exact loss of checkpoints on a text, on any number of ranks.
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.hpp"
#include "app/device_choice.hpp"
#include "app/job.hpp"
#include "app/loaded_model.hpp"
#include "app/threads.hpp"
#include "data/corpus.hpp"
#include "dist/agreement.hpp"
#include "report/text.hpp"
#include "train/validation.hpp"

namespace charrnn {

namespace {

struct EvalArguments {
  std::vector<std::string> checkpoints;
  std::string corpus, part = "all", device = "auto";
  std::int64_t columns = 1, threads = 0;
  bool json = false;
};

/// The stretch of the text that --part names, as the checkpoint's training split it.
ColumnLayout layout_of_part(const EvalArguments& arguments, const Checkpoint& checkpoint,
                            const CorpusSummary& corpus) {
  const std::int64_t split = checkpoint.data.train_characters;
  const bool all = arguments.part == "all";
  require(all || split <= corpus.characters,
          "'{}' has {} characters, fewer than the {} that the model was trained on; use --part all",
          arguments.corpus, corpus.characters, split);
  const std::int64_t first = arguments.part == "validation" ? split : 0;
  const std::int64_t last = arguments.part == "train" ? split : corpus.characters;
  const ColumnLayout layout(first, last - first, arguments.columns);
  require(layout.rows() >= 2, "part '{}' of '{}' has {} characters, too few for {} columns", arguments.part,
          arguments.corpus, last - first, arguments.columns);
  return layout;
}

void print_result(const EvalArguments& arguments, const LoadedModel& loaded, const Evaluation& result) {
  if (arguments.json) {
    const nlohmann::ordered_json json{{"checkpoint", loaded.path},
                                      {"corpus", arguments.corpus},
                                      {"part", arguments.part},
                                      {"columns", arguments.columns},
                                      {"characters", result.characters},
                                      {"loss", result.loss()},
                                      {"bits_per_character", bits(result.loss())},
                                      {"perplexity", std::exp(result.loss())}};
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{}: {:.6f} nats = {:.6f} bits per character over {} characters ({}, {} column{})\n",
               loaded.path, result.loss(), bits(result.loss()), with_commas(result.characters),
               arguments.part, arguments.columns, arguments.columns == 1 ? "" : "s");
  }
}

ExitCode run_eval(const EvalArguments& arguments, Job& job) {
  const bool root = job.mpi.rank() == 0;
  require<UsageError>(arguments.columns >= 1, "--columns must be at least 1, not {}", arguments.columns);
  const Warn warn = root ? Warn(warn_on_stderr) : Warn([](const std::string&) {});
  if (job.mpi.size() > arguments.columns) {
    warn(fmt::format("{} ranks share {} column(s): the others have nothing to do; use --columns",
                     job.mpi.size(), arguments.columns));
  }
  choose_threads(arguments.threads, job);
  const Device device = choose_device(arguments.device, job.mpi.local_rank(), warn);
  for (const std::string& path : arguments.checkpoints) {
    std::optional<LoadedModel> loaded;
    std::optional<MappedFile> file;
    together(job.control, [&] {
      loaded.emplace(load_model(path, device, warn));
      file.emplace(arguments.corpus);
    });
    const CorpusSummary corpus = CorpusSummary::from_json(on_root(job.control, [&] {
      return scan_corpus(*file, {.vocabulary = loaded->vocabulary.options()}).to_json();
    }));
    std::optional<ColumnTokens> tokens;
    together(job.control, [&] {
      const ColumnLayout layout = layout_of_part(arguments, loaded->checkpoint, corpus);
      tokens.emplace(*file, corpus, loaded->vocabulary, layout,
                     columns_of_rank(arguments.columns, job.mpi.rank(), job.mpi.size()));
    });
    const Evaluation result = evaluate(*loaded->model, *tokens, job.control);
    if (root) print_result(arguments, *loaded, result);
  }
  return ExitCode::kDone;
}

}  // namespace

void add_eval_command(CLI::App& app, ExitCode& outcome) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = app.add_subcommand("eval", "exact loss of a checkpoint on a text");
  command->add_option("--checkpoint", arguments->checkpoints, "checkpoints, or folders of runs")
      ->required()
      ->expected(1, -1);
  command->add_option("--corpus", arguments->corpus, "the text (UTF-8)")->required();
  command->add_option("--part", arguments->part, "train, validation or all; the split is the checkpoint's")
      ->check(CLI::IsMember({"train", "validation", "all"}))
      ->capture_default_str();
  command->add_option("--columns", arguments->columns, "read the text in so many columns at once")
      ->capture_default_str();
  command->add_option("--threads", arguments->threads, "threads per rank; 0: its share of the cores")
      ->capture_default_str();
  command->add_option("--device", arguments->device, "auto, cpu or cuda")->capture_default_str();
  command->add_flag("--json", arguments->json, "one JSON object a checkpoint");
  command->footer(
      "Examples:\n"
      "  charrnn_dist eval --checkpoint runs/lstm --corpus nietzsche.txt --part validation\n"
      "  mpirun -np 4 charrnn_dist eval --checkpoint runs/lstm/checkpoints/best --corpus big.txt --columns "
      "64 --json");
  command->callback(
      [arguments, &outcome] { outcome = run_job([&](Job& job) { return run_eval(*arguments, job); }); });
}

}  // namespace charrnn
