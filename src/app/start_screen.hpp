// What rank 0 shows before and after a training run.
#pragma once

#include <filesystem>
#include <string>

#include "app/job.hpp"
#include "app/training_setup.hpp"
#include "config/run_config.hpp"
#include "report/reporter.hpp"
#include "train/schedule.hpp"

namespace charrnn {

struct StartFacts {
  const RunConfig& config;
  const TrainingSetup& setup;
  const Schedule& schedule;
  const Job& job;
  std::string checkpoint;  ///< resumed from; empty: a new run
  std::int64_t first_step;
  double peak;  ///< floating-point operations a second of all ranks; 0: unknown
};

void show_start(Reporter& reporter, const StartFacts& facts);
void show_end(Reporter& reporter, ExitCode code, const std::filesystem::path& folder, std::int64_t step);

}  // namespace charrnn
