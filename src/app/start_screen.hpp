// What rank 0 shows before and after a training run.
#pragma once

#include <filesystem>
#include <string>

#include "app/job.hpp"
#include "app/threads.hpp"
#include "data/bptt_schedule.hpp"
#include "data/column_tokens.hpp"
#include "models/language_model.hpp"
#include "report/reporter.hpp"
#include "train/run_config.hpp"
#include "train/schedule.hpp"

namespace charrnn {

struct StartFacts {
  const RunConfig& config;
  const CorpusSummary& corpus;
  const Vocabulary& vocabulary;
  const LanguageModel& model;
  const Schedule& schedule;
  const BpttSchedule& windows;
  const ColumnLayout& layout;
  const ColumnLayout& validation;
  const Job& job;
  Resources resources;
  std::string communicator;
  std::string checkpoint;  ///< resumed from; empty: a new run
  std::int64_t first_step;
  const ColumnTokens& tokens;
};

void show_start(Reporter& reporter, const StartFacts& facts);
void show_end(Reporter& reporter, ExitCode code, const std::filesystem::path& folder, std::int64_t step);

}  // namespace charrnn
