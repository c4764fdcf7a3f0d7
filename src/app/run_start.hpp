// What a training run starts from: the options in force, and a checkpoint to resume.
#pragma once

#include <filesystem>
#include <string>

#include "base/activity.hpp"
#include "checkpoint/ownership.hpp"
#include "checkpoint/store.hpp"
#include "config/given_options.hpp"

namespace charrnn {

struct TrainArguments {
  ConfigSources sources;
  bool resume = false;
  std::string resume_path;  ///< empty: the run's newest good checkpoint, or a new run if it has none
  std::string init_from;
  bool extend_vocabulary = false;
  bool check = false;  ///< only plan
};

/// What a training run starts from.
struct RunStart {
  RunConfig config;
  std::string checkpoint;  ///< to resume from; empty: a new run
  bool from_path = false;  ///< it was named, not found as the run's newest
  bool resumes = false;    ///< it goes on with what is in the folder, if anything is
  Claim claim = Claim::kNewRun;
  std::string init_from;  ///< of a new run: whose weights it starts with; empty: none
  bool extend_vocabulary = false;
  Strings notes;  ///< to be said: what the resume changes, or that there is nothing to resume
};

/// <run-dir>/<name>.
std::filesystem::path folder_of(const RunConfig& config);

/// Puts together what was given and, for a resume, the config of its checkpoint. A resume from a path continues in the run
/// folder that the path lies in, unless a name is given. Where an earlier attempt of the same job has begun to train, this
/// one resumes what it left, whatever was given. Touches nothing. UsageError for options that contradict each other, a run
/// that exists already (without `resume`), or a resume with other data or model options.
RunStart plan_run(TrainArguments& arguments, const Warn& warn);

/// Whether a training with these options could begin here, as far as that can be seen without reading the text: ConfigError
/// for what is wrong with the schedule or the groups, or cannot be computed; DataError for a text that is not there.
void check_start(const RunConfig& config, int local_rank, Activity& activity);

}  // namespace charrnn
