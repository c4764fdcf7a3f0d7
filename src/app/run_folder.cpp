#include "app/run_folder.hpp"

#include "app/loaded_model.hpp"
#include "app/options.hpp"
#include "app/threads.hpp"
#include "base/error.hpp"

namespace charrnn {

namespace {

std::string init_from(const TrainArguments& arguments, const Warn& warn) {
  return arguments.init_from.empty() ? "" : resolve_checkpoint(arguments.init_from, warn).string();
}

/// Run folder and name of the run whose checkpoints folder the file lies in, UsageError if it lies in none.
void take_place_of(const std::filesystem::path& checkpoint, RunOptions& run) {
  std::filesystem::path folder = std::filesystem::absolute(checkpoint).lexically_normal().parent_path();
  while (folder.has_relative_path() && folder.filename() != "checkpoints") folder = folder.parent_path();
  require<UsageError>(folder.has_relative_path(),
                      "'{}' lies in no run's folder: say with --name which run goes on from it",
                      checkpoint.string());
  run.name = folder.parent_path().filename().string();
  run.run_dir = folder.parent_path().parent_path().string();
}

/// What decides the bits of a run in reproducible mode must stay; the mode itself may be left.
void check_mode(const RunConfig& config, const RunConfig& before, const std::string& checkpoint,
                const Warn& warn) {
  const RunOptions &now = config.run, &then = before.run;
  if (!then.reproducible) return;
  if (!now.reproducible) {
    warn(fmt::format("'{}' is of a reproducible run; from here on its bits no longer are", checkpoint));
    return;
  }
  const auto refuse = [&](const char* option, const auto& is, const auto& was) {
    require<UsageError>(is == was,
                        "cannot resume from '{}' with other bits: {} is {}, was {}; give it back, or leave "
                        "the mode with --no-reproducible",
                        checkpoint, option, is, was);
  };
  refuse("micro-batches", now.micro_batches, then.micro_batches);
  refuse("engine", now.engine, then.engine);
  if (threads_decide_bits(config)) refuse("threads", threads_of(config), threads_of(before));
  refuse("precision", now.precision, then.precision);
}

void refuse_differences(const RunConfig& now, RunConfig then, const std::string& checkpoint) {
  then.data.corpus = now.data.corpus;  // the file may have moved; its contents are compared by SHA-256
  for (const char* table : {"data", "model"}) {
    const std::string found = differences(now, then, table);
    require<UsageError>(
        found.empty(),
        "cannot resume from '{}' with other options: {}; for a new run with its weights use --init-from",
        checkpoint, found);
  }
  require<UsageError>(now.run.seed == then.run.seed, "cannot resume from '{}' with --seed {}, it was {}",
                      checkpoint, now.run.seed, then.run.seed);
}

}  // namespace

std::filesystem::path folder_of(const RunConfig& config) {
  return std::filesystem::path(config.run.run_dir) / config.run.name;
}

RunStart plan_run(const TrainArguments& arguments, const Warn& warn) {
  RunStart start;
  arguments.apply_given(start.config);
  if (!arguments.resume_path.empty()) {
    start.checkpoint = resolve_checkpoint(arguments.resume_path, warn).string();
    if (start.config.run.name.empty()) {
      take_place_of(start.checkpoint, start.config.run);
      arguments.apply_given(start.config);
    }
  }
  if (start.config.run.name.empty()) start.config.run.name = start.config.model.model;
  const CheckpointStore store(folder_of(start.config) / "checkpoints");
  if (!arguments.resume) {
    validate(start.config);
    require<UsageError>(!store.any(),
                        "'{}' has checkpoints already: go on with --resume, or use another --name",
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
    return start;
  }
  RunConfig then;
  try {
    then = config_of(read_checkpoint(start.checkpoint, Parts::kDescription), start.checkpoint);
  } catch (const DataError&) {
    // An attempt that is still at work in the folder has a newer one by now. Whoever takes the folder next is
    // told about it.
    if (std::filesystem::exists(start.checkpoint) || !arguments.resume_path.empty()) throw;
    return plan_run(arguments, warn);
  }
  RunConfig config = then;
  config.run.run_dir = start.config.run.run_dir;
  arguments.apply_given(config);
  config.run.name = start.config.run.name;
  validate(config);
  refuse_differences(config, then, start.checkpoint);
  check_mode(config, then, start.checkpoint, warn);
  start.config = config;
  return start;
}

}  // namespace charrnn
