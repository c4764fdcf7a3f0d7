// Everything that decides a training run, in plain structs with the defaults. option_table.hpp has a row for each
// member.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/model_config.hpp"
#include "config/value.hpp"

namespace charrnn {

struct DataConfig {
  Paths corpus = {};
  std::int64_t columns = 64;  ///< of the whole job, whatever the number of ranks
  std::int64_t bptt = 8;
  bool bptt_jitter = true;
  bool lowercase = false;
  bool bytes = false;
  std::int64_t min_freq = 3;
  std::int64_t train_characters = 0;  ///< 0: by train_fraction
  double train_fraction = 0.8;
  bool full_vocabulary = false;  ///< every character of the text, none unknown
  std::int64_t shuffle = 0;  ///< running text comes in pieces of this many characters in random order; 0: as it stands
  std::int64_t window = 0;   ///< 0: columns of running text; else separate windows of this many characters
  std::int64_t stride = 0;   ///< from one window to the next; 0: their length
  std::int64_t windows = 0;  ///< only this many, from the start; 0: all
  std::string predict = "every";  ///< of a window: every next character, or the last
};

struct OptimizerConfig {
  std::string optimizer = "adam";  ///< adam, adamw (decoupled weight decay), sgd
  double learning_rate = 1e-3;
  double weight_decay = 0;
  std::vector<double> betas = {0.9, 0.999};  ///< of adam and adamw
  double epsilon = 1e-8;                     ///< of adam and adamw
  double momentum = 0.9;                     ///< of sgd
  double clip_norm = 0;                      ///< limit of the gradient's global norm; 0: none
  std::int64_t skip_bad_steps = 0;           ///< how many steps in a row may have a loss or gradient that is not finite
  double weight_average = 0;                 ///< decay of the average that is validated and saved; 0: none
  /// PATTERN=LR[:WEIGHT_DECAY]: parameters whose name matches the shell pattern get their own values.
  std::vector<std::string> groups = {};
  double epochs = 0;           ///< or a fraction of one; 0: what the phases add up to, else 4
  std::int64_t max_steps = 0;  ///< 0: no limit
  double max_epochs = 0;       ///< 0: no limit
  std::int64_t patience = 0;   ///< validations in a row without a better loss that end the run; 0: none do
};

struct ScheduleConfig {
  std::string schedule = "constant";  ///< constant, phases, sgdr, onecycle, plateau
  /// LR:EPOCHS or LR:Nsteps one after the other; with sgdr they come before the first cycle.
  std::vector<std::string> phases = {};
  double cycle_epochs = 1;       ///< of sgdr's first cycle
  std::int64_t cycle_steps = 0;  ///< the same in steps, and of onecycle; 0: cycle_epochs, and the whole run
  std::int64_t cycle_mult = 2;
  std::int64_t warmup_steps = 0;
  double plateau_factor = 0.1;
  std::int64_t plateau_patience = 1;  ///< validations in a row that may be in vain
};

struct RunOptions {
  std::string run_dir = "runs";
  std::string name = "";  ///< empty: the model's name
  std::int64_t seed = 1;
  std::string device = "auto";     ///< auto, cpu, cuda
  std::string comm = "auto";       ///< auto, mpi, nccl
  std::string engine = "auto";     ///< auto, torch, native, persistent
  std::string precision = "fp32";  ///< of matrix products: fp32, tf32, bf16, int8
  std::int64_t threads = 0;        ///< per rank; 0: this rank's share of the cores it may use
  double timeout = 60;             ///< seconds that a rank waits for the others
  std::int64_t save_every = 0;     ///< steps; 0: not by steps
  double save_minutes = 10;        ///< 0: not by the clock
  std::int64_t validate_every = 0;
  std::int64_t validate_characters = 0;  ///< 0: the whole validation part
  bool exact_end = false;                ///< the last and the best model on the whole part, once, at the end
  std::int64_t log_every = 100;
  bool tensorboard = false;        ///< event files for it, in the run's folder
  bool noise_scale = false;        ///< estimate the gradient noise scale
  std::int64_t check_every = 0;    ///< steps; 0: at checkpoints only
  bool reproducible = false;       ///< the same bits on any number of ranks
  std::int64_t micro_batches = 8;  ///< groups of columns in that mode: the most ranks it can have
};

struct RunConfig {
  DataConfig data;
  ModelConfig model;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  RunOptions run;
};

/// Checks every value against the rule of its option, then the options against each other. ConfigError that names the
/// option, its value and what is allowed.
void validate(const RunConfig& config);
/// The same for a model alone.
void validate(const ModelConfig& model);

}  // namespace charrnn
