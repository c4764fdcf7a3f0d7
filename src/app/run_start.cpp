#include "app/run_start.hpp"

#include "base/error.hpp"
#include "checkpoint/contents.hpp"
#include "checkpoint/launched_job.hpp"
#include "config/resume_rules.hpp"
#include "data/text_source.hpp"
#include "dist/device_choice.hpp"
#include "models/engine.hpp"
#include "sample/loaded_model.hpp"
#include "train/init_from.hpp"
#include "train/parameter_groups.hpp"
#include "train/reduction_mode.hpp"
#include "train/schedule.hpp"

namespace charrnn {

namespace {

/// A run that starts from its beginning, if nothing is wrong with its options.
RunStart new_run(RunStart start) {
  validate(start.config);
  parameter_layout(start.config.model, 1);  // of any vocabulary: whether there is such a model
  return start;
}

/// Puts what a run must share with the checkpoint that it starts with below what was given.
void start_with_weights(TrainArguments& arguments, RunStart& start, const Warn& warn) {
  start.init_from = resolve_checkpoint(arguments.init_from, Pick::kNewest, warn).file.string();
  start.extend_vocabulary = arguments.extend_vocabulary;
  const RunConfig then = read_config(start.init_from);
  take_fitting_options(then, start.config);
  arguments.sources.given().apply(start.config);
  check_fitting_options(then, start.config, start.init_from);
}

/// Run folder and name of the run that `path`, a checkpoint or a run's folder, belongs to. ConfigError if it is in none.
/// DataError if it is not there either.
void take_place_of(const std::filesystem::path& path, RunOptions& run, const Warn& warn) {
  std::error_code ignored;
  std::filesystem::path folder = std::filesystem::absolute(path / "").lexically_normal().parent_path();
  if (std::filesystem::is_directory(folder / "checkpoints", ignored)) folder /= "checkpoints";
  while (folder.has_relative_path() && folder.filename() != "checkpoints") folder = folder.parent_path();
  if (!folder.has_relative_path()) resolve_checkpoint(path, Pick::kNewest, warn);
  require_option(folder.has_relative_path(), "name",
                 "'{}' is not in a run's folder: say with `name` which run continues from it", path.string());
  run.name = folder.parent_path().filename().string();
  run.run_dir = folder.parent_path().parent_path().string();
}

bool bits_depend_on_threads(const RunConfig& config) {
  return threads_decide_bits(config.model, config.run.engine);
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
    one->run.threads = ReductionMode(one->run).threads(one->run.threads, bits_depend_on_threads(*one));
  }
  return changes_on_resume(then, config, bits_depend_on_threads(config), checkpoint);
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
  require_option(!arguments.extend_vocabulary || !arguments.init_from.empty(), "extend-vocabulary",
                 "`extend-vocabulary` adds to the vocabulary of the checkpoint that `init-from` names: give both");
  if (!arguments.resume_path.empty() && start.config.run.name.empty()) {
    take_place_of(arguments.resume_path, start.config.run, warn);
    given.apply(start.config);
  }
  const auto with_weights = [&] {
    if (start.init_from.empty() && !arguments.init_from.empty()) start_with_weights(arguments, start, warn);
  };
  if (start.config.run.name.empty()) {
    with_weights();  // may decide which model it is
    start.config.run.name = start.config.model.model;
  }
  const std::filesystem::path folder = folder_of(start.config);
  const CheckpointStore store(folder / "checkpoints");
  const JobState job = state_of_job(folder);
  start.resumes = arguments.resume || job == JobState::kSigned;
  start.claim = start.resumes || job == JobState::kOwned ? Claim::kResume : Claim::kNewRun;
  if (!start.resumes) {
    require<UsageError>(!store.any(), "'{}' has checkpoints already: go on with --resume, or use another --name",
                        folder.string());
    with_weights();
    return new_run(start);
  }
  if (!arguments.resume_path.empty() && (job != JobState::kSigned || !store.any())) {
    start.checkpoint = resolve_checkpoint(arguments.resume_path, Pick::kNewest, warn).file.string();
    start.from_path = true;
  } else if (const auto newest = store.newest_good(warn)) {
    start.checkpoint = newest->string();
  }
  if (start.checkpoint.empty()) {
    require(!store.any(), "'{}' has checkpoints, but none is good; move them away to start again", folder.string());
    start.notes.push_back(fmt::format("nothing to resume in '{}': starting a new run", folder.string()));
    with_weights();
    return new_run(start);
  }
  RunConfig then;
  try {
    then = read_config(start.checkpoint, [&](const std::string& note) { start.notes.push_back(note); });
  } catch (const DataError&) {
    // An attempt that still runs in this folder has replaced the file by a newer one. Ownership then says what to do.
    if (std::filesystem::exists(start.checkpoint) || start.from_path) throw;
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
  if (!arguments.init_from.empty()) {
    start.notes.push_back("`init-from` is ignored: a resumed run keeps its own weights and vocabulary");
    start.init_from.clear();
  }
  start.config = config;
  return start;
}

void check_start(const RunConfig& config, int local_rank, Activity& activity) {
  check_schedule(config.schedule);
  parameter_groups(config.optimizer, parameter_layout(config.model, 1));  // names are those of any vocabulary
  ThreadTeam team;
  find_engine(config.model, {.device = choose_device(config.run.device, local_rank, [](const std::string&) {}),
                             .engine = config.run.engine,
                             .precision = precision_named(config.run.precision),
                             .team = team});
  open_text(config.data.corpus)->read(activity);
}

}  // namespace charrnn
