// charrnn_dist inspect: what is in a checkpoint.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/messages.hpp"
#include "app/program.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "checkpoint/safetensors.hpp"
#include "sample/loaded_model.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;

struct InspectArguments {
  Strings paths;
  bool hash = false, json = false;
};

Json history_of(const Checkpoint& checkpoint) {
  Json history = Json::array();
  for (const EpochRecord& row : checkpoint.history) {
    history.push_back({{"epoch", row.epoch},
                       {"step", row.step},
                       {"train_loss", row.train_loss},
                       {"val_loss", std::isfinite(row.val_loss) ? Json(row.val_loss) : Json()},
                       {"learning_rate", row.learning_rate},
                       {"seconds", row.seconds}});
  }
  return history;
}

/// What is in a file as JSON: what --json prints, and what the text is made from. `is_whole`: a checkpoint, which has more
/// than a model.
Json describe_file(const LoadedModel& loaded, bool is_whole) {
  const Checkpoint& checkpoint = loaded.checkpoint;
  const ModelConfig& model = loaded.settings.model;
  Json tensors = Json::array();
  for (const Parameter& parameter : loaded.model->layout().parameters())
    tensors.push_back({{"name", parameter.name}, {"shape", parameter.shape}});
  Json facts{{"path", loaded.path},
             {"checksum", is_whole ? "good" : "none"},
             {"bytes", std::filesystem::file_size(loaded.path)},
             {"arch", without_controls(checkpoint.arch)},
             {"layers", model.layers},
             {"hidden", model.hidden},
             {"embedding", model.embedding},
             {"dropout", model.dropout},
             {"vocabulary", loaded.vocabulary.size()},
             {"parameters", loaded.model->layout().count()},
             {"tensors", tensors},
             {"step", checkpoint.step}};
  if (is_whole) {
    facts.update({{"epoch", checkpoint.epoch},
                  {"cycle", checkpoint.cycle},
                  {"columns", checkpoint.data.columns},
                  {"bptt", checkpoint.data.bptt},
                  {"row", checkpoint.data.row}});
  }
  facts.update({{"train_characters", checkpoint.data.train_characters},
                {"corpus_sha256", without_controls(checkpoint.data.corpus_sha256)},
                {"created_utc", without_controls(checkpoint.created_utc)},
                {"program_version", without_controls(checkpoint.program_version)}});
  if (is_whole) {
    const Checkpoint::Progress& progress = checkpoint.progress;
    facts.update({{"processor", without_controls(checkpoint.processor)},
                  {"best_val_loss", std::isfinite(progress.best_val_loss) ? Json(progress.best_val_loss) : Json()},
                  {"best_step", progress.best_step > 0 ? Json(progress.best_step) : Json()},
                  {"skipped_steps", progress.skipped_steps},
                  {"history", history_of(checkpoint)}});
  }
  return facts;
}

void print_history(const Json& history) {
  fmt::print("history\n  epoch     step  train loss  val loss  learning rate  seconds\n");
  for (const Json& row : history) {
    const std::string val_loss =
        row.at("val_loss").is_null() ? "-" : fmt::format("{:.4f}", row.at("val_loss").get<double>());
    fmt::print("  {:5} {:8}  {:10.4f}  {:>8}  {:13.4g}  {:7.1f}\n", row.at("epoch").get<std::int64_t>(),
               row.at("step").get<std::int64_t>(), row.at("train_loss").get<double>(), val_loss,
               row.at("learning_rate").get<double>(), row.at("seconds").get<double>());
  }
}

void print_text(const Json& facts) {
  const bool is_whole = facts.contains("history");
  const auto text = [&](const char* key) { return facts.at(key).get<std::string>(); };
  const auto number = [&](const char* key) { return with_commas(facts.at(key).get<std::int64_t>()); };
  fmt::print("{:<12} {} ({} bytes, checksum {})\n", is_whole ? "checkpoint" : "model file", text("path"),
             number("bytes"), text("checksum"));
  fmt::print("model        {}, {} x {}, embedding {}, dropout {}, {} parameters\n", text("arch"), number("layers"),
             number("hidden"), number("embedding"), facts.at("dropout").get<double>(), number("parameters"));
  fmt::print("vocabulary   {} symbols\n", number("vocabulary"));
  fmt::print("position     step {}", number("step"));
  if (is_whole) {
    fmt::print(", epoch {}, cycle {}, row {} of {} columns, bptt {}", number("epoch"), number("cycle"), number("row"),
               number("columns"), number("bptt"));
  }
  fmt::print("\ncorpus       {} training characters, SHA-256 {}\n", number("train_characters"), text("corpus_sha256"));
  fmt::print("written      {} by charrnn_dist {}", text("created_utc"), text("program_version"));
  if (is_whole) fmt::print(" on {}", text("processor").empty() ? "an unknown processor" : text("processor"));
  fmt::print("\n");
  if (is_whole && !facts.at("best_val_loss").is_null()) {
    fmt::print("best so far  validation {}{}\n", loss_text(facts.at("best_val_loss").get<double>()),
               facts.at("best_step").is_null() ? "" : fmt::format(" at step {}", number("best_step")));
  }
  if (is_whole && facts.at("skipped_steps") > 0) fmt::print("skipped      {} steps\n", number("skipped_steps"));
  fmt::print("parameters\n");
  for (const Json& tensor : facts.at("tensors")) {
    fmt::print("  {:<20} {}\n", tensor.at("name").get<std::string>(), tensor.at("shape").dump());
  }
  if (is_whole) print_history(facts.at("history"));
}

void run_inspect(const InspectArguments& arguments) {
  require<UsageError>(arguments.paths.size() == 1, "inspect needs one PATH: a checkpoint, or the folder of a run");
  ThreadTeam team;
  const std::filesystem::path file = resolve_checkpoint(arguments.paths[0], Pick::kNewest, warn_on_stderr).file;
  const bool is_whole = !is_safetensors(file);
  const LoadedModel loaded =
      load_model(file.string(), {.device = {}, .team = team}, is_whole ? Parts::kAll : Parts::kModel);
  Json facts = describe_file(loaded, is_whole);
  const std::string hash = hash_parameters(loaded.model->layout(), loaded.model->parameters());
  if (arguments.json) {
    facts["parameters_sha256"] = hash;
    fmt::print("{}\n", facts.dump(2, ' ', false, Json::error_handler_t::replace));
  } else if (arguments.hash) {
    fmt::print("{}\n", hash);
  } else {
    print_text(facts);
  }
}

}  // namespace

Command inspect_command() {
  auto arguments = std::make_shared<InspectArguments>();
  Command command("inspect", "show what is in a checkpoint");
  command.add_paths("PATH", Argument::Kind::kWords, arguments->paths,
                    "a checkpoint or .safetensors file, or the folder of a run: its newest good checkpoint");
  command.add("hash", arguments->hash, "print only the SHA-256 over the parameters in the order of their names");
  command.add("json", arguments->json, "print everything as JSON");
  command.explain("", {"charrnn_dist inspect runs/lstm", "charrnn_dist inspect runs/lstm/checkpoints/best --hash"});
  command.run_by([arguments] {
    run_inspect(*arguments);
    return ExitCode::kDone;
  });
  return command;
}

}  // namespace charrnn
