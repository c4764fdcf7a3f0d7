#include "serve/answers.hpp"

#include <nlohmann/json.hpp>

#include "serve/watched_file.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json describe(const NamedRun& named) {
  const RunSummary& run = named.summary;
  Json sparkline = Json::array();
  for (const auto& [step, loss] : run.sparkline) sparkline.push_back({step, loss});
  return {{"name", named.name},
          {"state", name_of(run.state)},
          {"exit_code", or_null(run.exit_code)},
          {"model", run.model},
          {"parameters", run.parameters},
          {"ranks", run.ranks},
          {"attempts", run.attempts},
          {"step", run.step},
          {"steps", run.steps},
          {"epoch", or_null(run.epoch)},
          {"loss", or_null(run.loss)},
          {"train_loss", or_null(run.train_loss)},
          {"val_loss", or_null(run.val_loss)},
          {"best_val_loss", or_null(run.best_val_loss)},
          {"learning_rate", or_null(run.learning_rate)},
          {"characters_per_second", or_null(run.characters_per_second)},
          {"started", run.started},
          {"updated", run.updated},
          {"sparkline", std::move(sparkline)}};
}

}  // namespace

Json runs_answer(const std::vector<NamedRun>& runs) {
  Json list = Json::array();
  for (const NamedRun& run : runs) {
    Json entry = describe(run);
    entry["checkpoints"] = run.checkpoints;
    list.push_back(std::move(entry));
  }
  return {{"runs", std::move(list)}};
}

Json run_answer(const NamedRun& run, const std::filesystem::path& folder) {
  constexpr std::int64_t kBytes = 64 << 10;
  Json answer = describe(run);
  answer["config"] = end_of_file(folder / "config.toml", kBytes);
  answer["log"] = end_of_file(folder / "log.rank0.txt", kBytes);
  Json& samples = answer["samples"] = Json::array();
  for (const RunSample& sample : samples_of(folder)) samples.push_back({{"step", sample.step}, {"text", sample.text}});
  Json& checkpoints = answer["checkpoints"] = Json::array();
  for (const CheckpointEntry& entry : checkpoints_of(folder)) {
    checkpoints.push_back({{"name", entry.name},
                           {"bytes", entry.bytes},
                           {"modified", entry.modified},
                           {"best", entry.is_best},
                           {"latest", entry.is_latest}});
  }
  return answer;
}

std::string as_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace charrnn
