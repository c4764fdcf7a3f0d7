#include "checkpoint/launched_job.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/first_line.hpp"
#include "checkpoint/attempt_mark.hpp"

namespace charrnn {

namespace fs = std::filesystem;

std::string this_job() {
  constexpr std::size_t kLongest = 64;
  const char* value = std::getenv("CHARRNN_JOB");
  std::string job = value != nullptr ? value : "";
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  require<UsageError>(job.size() <= kLongest && std::ranges::all_of(job, is_fine),
                      "the environment variable CHARRNN_JOB must be at most {} letters, digits, and . _ -; unset it",
                      kLongest);
  return job;
}

JobState state_of_job(const fs::path& run_folder) {
  const std::string job = this_job();
  if (job.empty()) return JobState::kAbsent;
  if (first_line(run_folder / "job") == job) return JobState::kSigned;
  return parse_mark(first_line(run_folder / "attempt").value_or("")).job == job ? JobState::kOwned : JobState::kAbsent;
}

void sign_folder(const fs::path& run_folder) {
  const std::string job = this_job();
  if (!job.empty()) return replace_file(run_folder / "job", job + "\n");
  std::error_code ignored;
  fs::remove(run_folder / "job", ignored);  // of a job that does not go on here any more
}

}  // namespace charrnn
