// The job that an attempt belongs to. launch/run and train.sbatch start a lost attempt again with the same words; it has to
// go on where the job got to, and must not where the folder is another run's.
#pragma once

#include <filesystem>
#include <string>

namespace charrnn {

/// CHARRNN_JOB, which the launcher sets to something that no other job has; empty without. UsageError unless it is made of
/// at most 64 letters, digits, and . _ -
std::string this_job();

/// How far this job has come in a run's folder.
enum class JobState {
  kAbsent,  ///< it never had the folder, or there is no job
  kOwned,   ///< an attempt of it took the folder, and ended before it changed anything
  kSigned,  ///< an attempt of it has begun to train there
};
JobState state_of_job(const std::filesystem::path& run_folder);

/// Says in <run>/job that this job trains there. WriteError if that cannot be written.
void sign_folder(const std::filesystem::path& run_folder);

}  // namespace charrnn
