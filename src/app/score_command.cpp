// charrnn_dist score: the loss of each line or character of a text.
#include <memory>

#include "app/checkpoint_path.hpp"
#include "app/messages.hpp"
#include "app/precision_note.hpp"
#include "app/program.hpp"
#include "app/score_rows.hpp"
#include "app/text_loss.hpp"
#include "app/threads_to_predict.hpp"
#include "dist/device_choice.hpp"

namespace charrnn {

namespace {

struct ScoreArguments {
  Strings checkpoints;
  Paths corpus;
  std::string text;
  std::string by = "line";
  ScoreRowOptions rows;
  ConfigSources sources;
};

std::unique_ptr<TextSource> text_of(const ScoreArguments& arguments) {
  if (!arguments.text.empty()) return std::make_unique<MemoryText>(arguments.text, "text");
  return arguments.corpus.empty() ? standard_input_text() : open_text(arguments.corpus);
}

void run_score(ScoreArguments& arguments) {
  require<UsageError>(arguments.checkpoints.size() == 1, "score needs one PATH: a checkpoint, or the folder of a run");
  require_option(arguments.text.empty() || arguments.corpus.empty(), "text",
                 "`text` takes the place of `corpus`; give one of them");
  RunConfig config;
  arguments.sources.given().apply(config);
  ThreadTeam team;
  const Compute compute{.device = choose_device(config.run.device, 0, warn_on_stderr),
                        .engine = config.run.engine,
                        .precision = precision_named(config.run.precision),
                        .team = team};
  const LoadedModel loaded = load_model(checkpoint_to_use(arguments.checkpoints[0]), compute);
  precision_used(loaded.settings.model, compute, tell_on_stderr);
  find_engine(loaded.settings.model, compute)
      .set_threads(threads_to_predict(1, loaded.model->layout().size()), /*deterministic=*/false, compute);

  arguments.rows.by_character = arguments.by == "character";
  arguments.rows.names_files = !arguments.corpus.empty();
  arguments.rows.bytes = loaded.vocabulary.options().bytes;
  TextOutput output;
  ScoreRows rows(arguments.rows, output);
  try {
    const std::string left_out = score_text(loaded, *text_of(arguments), rows).text();
    rows.finish();
    if (!left_out.empty()) warn_on_stderr("left out of the corpus: " + left_out);
  } catch (const Interrupted&) {  // the reader has seen enough
    return;
  }
  const ScoreRow& sums = rows.sums();
  if (!arguments.rows.json) {
    output.write(fmt::format("{}: {}\n", loaded.path, text_loss(sums.mean(), sums.characters, sums.unknown)));
  }
  warn_of_unknown(loaded.path, sums.characters, sums.unknown, warn_on_stderr);
}

}  // namespace

Command score_command() {
  auto arguments = std::make_shared<ScoreArguments>();
  Command command("score", "show how well a model predicts each line or character of a text");
  command.add_paths("PATH", Argument::Kind::kWords, arguments->checkpoints,
                    "a checkpoint or .safetensors file, or the folder of a run: its best checkpoint");
  command.add("corpus", &arguments->corpus, {}, "PATH",
              "text to score: what train takes; without it, and without `text`, standard input");
  command.add("text", &arguments->text, {.free_text = true}, "TEXT", "a text to score").empty_value = false;
  command.add("by", &arguments->by, one_of("line|character"), "", "what has a row of its own");
  command.add(
      "worst", &arguments->rows.worst, between(0, 1'000'000), "N",
      "only the N most surprising rows, by their loss per character, to which eight characters without loss are "
      "added so that short lines do not come first; 0: all, in the order of the text");
  command.add_training_options(arguments->sources, {"device", "engine", "precision"});
  command.add("json", arguments->rows.json, "print a JSON object for each row");
  command.explain(
      "The model reads the text once, from a hidden state of zero, as eval does: the mean of all characters is the "
      "loss that it prints. A row has the mean loss of its characters in nats and in bits; a line's end is one of "
      "them. The first character of a text has none, since nothing came before it.",
      {"charrnn_dist score runs/lstm --corpus chapter.txt",
       "charrnn_dist score runs/kernel --corpus drivers/ --worst 20",
       "tail -f service.log | charrnn_dist score runs/logs --json",
       "charrnn_dist score runs/lstm --text \"to be or not to bee\" --by character"});
  command.run_by([arguments] {
    run_score(*arguments);
    return ExitCode::kDone;
  });
  return command;
}

}  // namespace charrnn
