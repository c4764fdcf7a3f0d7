#include "config/run_config.hpp"

#include <string_view>

#include "base/error.hpp"
#include "config/option_table.hpp"

namespace charrnn {

namespace {

/// The rows of one table, or of all.
void check_rows(const RunConfig& config, std::string_view table = "") {
  RunConfig copy = config;
  for (const Option& option : option_table()) {
    if (table.empty() || table == option.table) check_value(option.name, option.member(copy), option.rule);
  }
}

}  // namespace

void validate(const ModelConfig& model) {
  check_rows({.data = {}, .model = model, .optimizer = {}, .schedule = {}, .run = {}}, "model");
}

void validate(const RunConfig& config) {
  check_rows(config);
  const auto& [data, model, optimizer, schedule, run] = config;
  require_option(!data.corpus.empty(), "corpus",
                 "no text to train on: give `corpus`, or corpus under [data] in a config");
  require_option(data.window > 0 || (data.stride == 0 && data.windows == 0 && data.predict == "every"), "window",
                 "`stride`, `windows` and `predict` need `window`, which is 0: running text");
  require_option(data.window == 0 || data.shuffle == 0, "shuffle",
                 "`shuffle` is for running text; with `window` windows come in random order anyway");
  require_option(data.window == 0 || data.train_characters == 0, "train-characters",
                 "`train-characters` is for running text; windows are divided by `train-fraction`");
  require_option(optimizer.betas.size() == 2, "betas", "`betas` must be two numbers, not {}", optimizer.betas.size());
  require_option(!run.run_dir.empty(), "run-dir", "`run-dir` must name a folder");
  require_option(run.name.find('/') == std::string::npos && run.name != "." && run.name != "..", "name",
                 "`name` must be the name of a folder in `run-dir`, not '{}'", run.name);
  require_option(!run.reproducible || run.micro_batches <= data.columns, "micro-batches",
                 "`micro-batches` {} are groups of whole columns, and there are only {}: lower it, or raise `columns`",
                 run.micro_batches, data.columns);
}

}  // namespace charrnn
