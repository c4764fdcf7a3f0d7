#include "app/run_folder.hpp"

#include "base/error.hpp"
#include "checkpoint/contents.hpp"
#include "config/check.hpp"
#include "config/resume_rules.hpp"
#include "sample/loaded_model.hpp"
#include "train/threads.hpp"

namespace charrnn {

namespace {

std::string init_from(const TrainArguments& arguments, const Warn& warn) {
  return arguments.init_from.empty() ? "" : resolve_checkpoint(arguments.init_from, warn).string();
}

/// Run folder and name of the run whose checkpoints folder the file lies in, UsageError if it lies in none.
void take_place_of(const std::filesystem::path& checkpoint, RunOptions& run) {
  std::filesystem::path folder = std::filesystem::absolute(checkpoint).lexically_normal().parent_path();
  while (folder.has_relative_path() && folder.filename() != "checkpoints") folder = folder.parent_path();
  require_option(folder.has_relative_path(), "name",
                 "'{}' lies in no run's folder: say with `name` which run goes on from it", checkpoint.string());
  run.name = folder.parent_path().filename().string();
  run.run_dir = folder.parent_path().parent_path().string();
}

/// What resuming `then` as `config` changes. The text, which may have moved, is compared by its contents, and the run's
/// folder by what is in it.
Strings changes(RunConfig then, RunConfig config, const std::string& checkpoint, const Warn& warn) {
  then.data.corpus = config.data.corpus;
  then.run.run_dir = config.run.run_dir;
  then.run.name = config.run.name;
  if (then.run.reproducible && !config.run.reproducible) {
    warn(fmt::format("'{}' is of a reproducible run; from here on its bits no longer are", checkpoint));
  }
  for (RunConfig* one : {&then, &config}) {
    one->run.threads = make_reduction_mode(one->run)->threads(one->run.threads, threads_decide_bits(*one));
  }
  return changes_on_resume(then, config, threads_decide_bits(config), checkpoint);
}

}  // namespace

std::filesystem::path folder_of(const RunConfig& config) {
  return std::filesystem::path(config.run.run_dir) / config.run.name;
}

RunStart plan_run(TrainArguments& arguments, const Warn& warn) {
  RunStart start;
  const GivenOptions& given = arguments.sources.given();
  start.notes = arguments.sources.notes;
  given.apply(start.config);
  if (!arguments.resume_path.empty()) {
    start.checkpoint = resolve_checkpoint(arguments.resume_path, warn).string();
    start.from_path = true;
    if (start.config.run.name.empty()) {
      take_place_of(start.checkpoint, start.config.run);
      given.apply(start.config);
    }
  }
  if (start.config.run.name.empty()) start.config.run.name = start.config.model.model;
  const CheckpointStore store(folder_of(start.config) / "checkpoints");
  if (!arguments.resume) {
    validate(start.config);
    require<UsageError>(!store.any(), "'{}' has checkpoints already: go on with --resume, or use another --name",
                        folder_of(start.config).string());
    start.init_from = init_from(arguments, warn);
    return start;
  }
  if (start.checkpoint.empty()) {
    if (const auto newest = store.newest_good(warn)) start.checkpoint = newest->string();
  }
  if (start.checkpoint.empty()) {
    require(!store.any(), "'{}' has checkpoints, but none is good; move them away to start again",
            folder_of(start.config).string());
    validate(start.config);
    start.init_from = init_from(arguments, warn);
    start.notes.push_back(
        fmt::format("nothing to resume in '{}': starting a new run", folder_of(start.config).string()));
    return start;
  }
  RunConfig then;
  try {
    then = config_of(read_checkpoint(start.checkpoint, Parts::kDescription), start.checkpoint,
                     [&](const std::string& note) { start.notes.push_back(note); });
  } catch (const DataError&) {
    // An attempt that is still at work in the folder has a newer one by now. Whoever takes the folder next is
    // told about it.
    if (std::filesystem::exists(start.checkpoint) || !arguments.resume_path.empty()) throw;
    return plan_run(arguments, warn);
  }
  RunConfig config = then;
  config.run.run_dir = start.config.run.run_dir;
  given.apply(config);
  config.run.name = start.config.run.name;
  validate(config);
  for (const std::string& change : changes(then, config, start.checkpoint, warn)) {
    start.notes.push_back("resuming with " + change);
  }
  start.config = config;
  return start;
}

}  // namespace charrnn
