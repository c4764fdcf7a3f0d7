#include "config/run_config.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "data/utf8.hpp"

namespace charrnn {

namespace {

void at_least(const char* option, double value, double least) {
  require<UsageError>(std::isfinite(value) && value >= least, "{} must be at least {}, not {}", option, least,
                      value);
}

void one_of(const char* option, const std::string& value, std::initializer_list<const char*> allowed) {
  const bool known =
      std::any_of(allowed.begin(), allowed.end(), [&](const char* name) { return value == name; });
  require<UsageError>(known, "{} must be one of {}, not '{}'", option, fmt::join(allowed, ", "), value);
}

}  // namespace

void validate(const RunConfig& config) {
  const auto& [data, model, optimizer, schedule, run] = config;
  require<UsageError>(!data.corpus.empty(),
                      "no corpus: give --corpus FILE, or corpus under [data] in the config");
  at_least("--columns", static_cast<double>(data.columns), 1);
  require<UsageError>(data.columns < (1 << 24), "--columns must be less than 2^24, not {}", data.columns);
  at_least("--bptt", static_cast<double>(data.bptt), 1);
  at_least("--min-freq", static_cast<double>(data.min_freq), 1);
  at_least("--train-characters", static_cast<double>(data.train_characters), 0);
  require<UsageError>(data.train_fraction > 0 && data.train_fraction <= 1,
                      "--train-fraction must lie in (0, 1], not {}", data.train_fraction);
  at_least("--window", static_cast<double>(data.window), 0);
  at_least("--stride", static_cast<double>(data.stride), 0);
  at_least("--windows", static_cast<double>(data.windows), 0);
  one_of("--predict", data.predict, {"every", "last"});
  require<UsageError>(
      data.window > 0 || (data.stride == 0 && data.windows == 0 && data.predict == "every"),
      "--stride, --windows and --predict go with --window, which is 0: columns of running text");
  require<UsageError>(data.window == 0 || data.train_characters == 0,
                      "--train-characters goes with columns of running text; windows are split by "
                      "--train-fraction");
  one_of("--optimizer", optimizer.optimizer, {"adam", "adamw"});
  require<UsageError>(std::isfinite(optimizer.learning_rate) && optimizer.learning_rate > 0,
                      "--learning-rate must be positive, not {}", optimizer.learning_rate);
  at_least("--weight-decay", optimizer.weight_decay, 0);
  at_least("--clip-norm", optimizer.clip_norm, 0);
  require<UsageError>(optimizer.weight_average >= 0 && optimizer.weight_average < 1,
                      "--weight-average must lie in [0, 1), not {}", optimizer.weight_average);
  at_least("--epochs", static_cast<double>(optimizer.epochs), 0);
  at_least("--max-steps", static_cast<double>(optimizer.max_steps), 0);
  one_of("--schedule", schedule.schedule, {"constant", "phases", "sgdr"});
  at_least("--cycle-epochs", static_cast<double>(schedule.cycle_epochs), 1);
  at_least("--cycle-mult", static_cast<double>(schedule.cycle_mult), 1);
  one_of("--device", run.device, {"auto", "cpu", "cuda"});
  one_of("--engine", run.engine, {"auto", "torch", "native"});
  one_of("--precision", run.precision, {"fp32", "bf16"});
  one_of("--comm", run.comm, {"auto", "mpi", "nccl"});
  for (const auto& [option, path] : {std::pair{"--corpus", data.corpus}, std::pair{"--run-dir", run.run_dir},
                                     std::pair{"--name", run.name}}) {
    const std::vector<char32_t> characters = decode_text(path, option);
    require<UsageError>(std::ranges::none_of(characters, [](char32_t one) { return one < U' '; }),
                        "{} has control characters in it", option);
  }
  require<UsageError>(!run.run_dir.empty(), "--run-dir must name a folder");
  require<UsageError>(run.name.find('/') == std::string::npos && run.name != "." && run.name != "..",
                      "--name must be the name of a folder under --run-dir, not '{}'", run.name);
  at_least("--seed", static_cast<double>(run.seed), 0);
  at_least("--threads", static_cast<double>(run.threads), 0);
  require<UsageError>(run.threads <= 1024, "--threads must be at most 1024, not {}", run.threads);
  at_least("--timeout", run.timeout, 0.1);
  at_least("--save-every", static_cast<double>(run.save_every), 0);
  at_least("--validate-every", static_cast<double>(run.validate_every), 0);
  at_least("--log-every", static_cast<double>(run.log_every), 1);
  at_least("--check-every", static_cast<double>(run.check_every), 0);
  at_least("--micro-batches", static_cast<double>(run.micro_batches), 1);
  require<UsageError>(!run.reproducible || run.micro_batches <= data.columns,
                      "--micro-batches {} are groups of whole columns, and there are only {}: lower it, or "
                      "raise --columns",
                      run.micro_batches, data.columns);
}

}  // namespace charrnn
