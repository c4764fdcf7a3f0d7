#include "config/option_table.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/thread_team.hpp"

namespace charrnn {

// Each row is a line, however long; the columns are those of struct Option.
// clang-format off
#define CHARRNN_MEMBER(path) [](RunConfig& config) -> Value { return &config.path; }

const std::vector<Option>& option_table() {
  constexpr Rule any{};
  constexpr OnResume free = OnResume::kFree, fixed = OnResume::kFixed, bits = OnResume::kFixedIfReproducible;
  static const std::vector<Option> rows = {
      {"data", "corpus", CHARRNN_MEMBER(data.corpus), free, any, "PATH", "text to train on: UTF-8 files, also packed or in archives, and folders of them (docs/texts.md)"},
      {"data", "columns", CHARRNN_MEMBER(data.columns), fixed, between(1, (1 << 24) - 1), "N", "columns the text is cut into: the batch of the whole job"},
      {"data", "bptt", CHARRNN_MEMBER(data.bptt), fixed, between(1, kLongestWindow), "N", "time steps that backpropagation runs through: the length of a window"},
      {"data", "bptt-jitter", CHARRNN_MEMBER(data.bptt_jitter), fixed, any, "", "draw window lengths around `bptt`, as fast.ai does"},
      {"data", "lowercase", CHARRNN_MEMBER(data.lowercase), fixed, any, "", "convert the text to lowercase"},
      {"data", "bytes", CHARRNN_MEMBER(data.bytes), fixed, any, "", "read bytes instead of characters: 256 symbols"},
      {"data", "min-freq", CHARRNN_MEMBER(data.min_freq), fixed, at_least(1), "N", "characters seen fewer than N times become <unk>"},
      {"data", "train-characters", CHARRNN_MEMBER(data.train_characters), fixed, at_least(0), "N", "length of the training part; 0: by `train-fraction`"},
      {"data", "train-fraction", CHARRNN_MEMBER(data.train_fraction), fixed, {.least = 0, .most = 1, .open = true}, "FRACTION", "share of the text, or of its windows, to train on; the rest is for validation"},
      {"data", "full-vocabulary", CHARRNN_MEMBER(data.full_vocabulary), fixed, any, "", "every character of the text is a symbol, none is <unk>"},
      {"data", "shuffle", CHARRNN_MEMBER(data.shuffle), fixed, at_least(0), "N", "read the training text in pieces of N characters, in a new random order every epoch; 0: as it stands"},
      {"data", "window", CHARRNN_MEMBER(data.window), fixed, between(0, kLongestWindow), "N", "train on separate windows of N characters in random order, `columns` of them a batch; 0: on running text"},
      {"data", "stride", CHARRNN_MEMBER(data.stride), fixed, at_least(0), "N", "characters from the start of one window to the next; 0: the window's length"},
      {"data", "windows", CHARRNN_MEMBER(data.windows), fixed, at_least(0), "N", "use only the first N windows; 0: all"},
      {"data", "predict", CHARRNN_MEMBER(data.predict), fixed, one_of("every|last"), "", "learn every next character of a window, or only the last"},
      {"model", "model", CHARRNN_MEMBER(model.model), fixed, any, "NAME", "rnn, gru, lstm, norm_lstm, or a model of the notebook (docs/models.md)"},
      {"model", "layers", CHARRNN_MEMBER(model.layers), fixed, between(1, kMostLayers), "N", "recurrent layers"},
      {"model", "hidden", CHARRNN_MEMBER(model.hidden), fixed, between(1, kMostUnits), "N", "hidden units per layer"},
      {"model", "embedding", CHARRNN_MEMBER(model.embedding), fixed, between(1, kMostUnits), "N", "size of a character's embedding"},
      {"model", "recurrent-init", CHARRNN_MEMBER(model.recurrent_init), fixed, one_of("uniform|identity"), "", "initial hidden-to-hidden weights"},
      {"model", "dropout", CHARRNN_MEMBER(model.dropout), fixed, probability(), "P", "dropout between layers"},
      {"model", "dropout-input", CHARRNN_MEMBER(model.dropout_input), fixed, probability(), "P", "dropout of the embedded characters"},
      {"model", "dropout-output", CHARRNN_MEMBER(model.dropout_output), fixed, probability(), "P", "dropout of the last layer's outputs"},
      {"model", "locked-dropout", CHARRNN_MEMBER(model.locked_dropout), fixed, any, "", "one dropout mask for all time steps of a window"},
      {"model", "weight-dropout", CHARRNN_MEMBER(model.weight_dropout), fixed, probability(), "P", "dropout of the hidden-to-hidden weights, one mask per window"},
      {"optimizer", "optimizer", CHARRNN_MEMBER(optimizer.optimizer), fixed, one_of("adam|adamw|sgd"), "", "Adam, Adam with decoupled weight decay, or gradient descent with momentum"},
      {"optimizer", "learning-rate", CHARRNN_MEMBER(optimizer.learning_rate), free, more_than(0), "RATE", "learning rate"},
      {"optimizer", "weight-decay", CHARRNN_MEMBER(optimizer.weight_decay), free, at_least(0), "X", "weight decay"},
      {"optimizer", "betas", CHARRNN_MEMBER(optimizer.betas), free, probability(), "B1,B2", "decay of the two moments of adam and adamw"},
      {"optimizer", "epsilon", CHARRNN_MEMBER(optimizer.epsilon), free, more_than(0), "X", "added to the denominator of adam and adamw"},
      {"optimizer", "momentum", CHARRNN_MEMBER(optimizer.momentum), free, probability(), "X", "momentum of sgd"},
      {"optimizer", "clip-norm", CHARRNN_MEMBER(optimizer.clip_norm), free, at_least(0), "NORM", "largest norm of the gradient; 0: no limit"},
      {"optimizer", "skip-bad-steps", CHARRNN_MEMBER(optimizer.skip_bad_steps), free, at_least(0), "N", "leave out steps whose loss or gradient is not finite, up to N in a row; 0: the first one ends the run"},
      {"optimizer", "weight-average", CHARRNN_MEMBER(optimizer.weight_average), free, probability(), "DECAY", "validate and save a running average of the weights with this decay, such as 0.999; 0: none"},
      {"optimizer", "groups", CHARRNN_MEMBER(optimizer.groups), free, any, "PATTERN=RATE[:DECAY],...", "own learning rate and weight decay for parameters by name, such as e.*=1e-3:0"},
      {"optimizer", "epochs", CHARRNN_MEMBER(optimizer.epochs), free, at_least(0), "N", "epochs, or a fraction of one; 0: the sum of `phases`, else 4"},
      {"optimizer", "max-steps", CHARRNN_MEMBER(optimizer.max_steps), free, at_least(0), "N", "stop after N steps; 0: no limit"},
      {"optimizer", "max-epochs", CHARRNN_MEMBER(optimizer.max_epochs), free, at_least(0), "N", "stop after N epochs, or a fraction of one, and leave the schedule as it is; 0: no limit"},
      {"optimizer", "patience", CHARRNN_MEMBER(optimizer.patience), free, at_least(0), "N", "stop when N validations in a row brought no better loss; 0: never"},
      {"schedule", "schedule", CHARRNN_MEMBER(schedule.schedule), free, one_of("constant|phases|sgdr|onecycle|plateau"), "", "learning rate over time (docs/schedules.md); sgdr: cosine with warm restarts; onecycle: up, then down; plateau: down when validation gets no better"},
      {"schedule", "phases", CHARRNN_MEMBER(schedule.phases), free, any, "RATE:LENGTH,...", "learning rates one after the other, for epochs or steps, such as 1e-3:0.5,1e-4:500steps; with sgdr: before its first cycle"},
      {"schedule", "cycle-epochs", CHARRNN_MEMBER(schedule.cycle_epochs), free, more_than(0), "N", "epochs of the first cycle of sgdr, or a fraction of one"},
      {"schedule", "cycle-steps", CHARRNN_MEMBER(schedule.cycle_steps), free, at_least(0), "N", "the same in steps, and of onecycle; 0: by `cycle-epochs`, and onecycle takes the whole run"},
      {"schedule", "cycle-mult", CHARRNN_MEMBER(schedule.cycle_mult), free, at_least(1), "N", "each cycle of sgdr is N times as long as the one before"},
      {"schedule", "warmup-steps", CHARRNN_MEMBER(schedule.warmup_steps), free, at_least(0), "N", "let the learning rate grow from zero over the first N steps, with any schedule"},
      {"schedule", "plateau-factor", CHARRNN_MEMBER(schedule.plateau_factor), free, {.least = 0, .most = 1, .open = true, .open_above = true}, "FACTOR", "plateau: multiply the learning rate by this"},
      {"schedule", "plateau-patience", CHARRNN_MEMBER(schedule.plateau_patience), free, at_least(0), "N", "plateau: when more than N validations in a row have not lowered the loss"},
      {"run", "run-dir", CHARRNN_MEMBER(run.run_dir), free, any, "FOLDER", "folder of all runs"},
      {"run", "name", CHARRNN_MEMBER(run.name), free, any, "NAME", "folder of this run in `run-dir`; default: the model's name"},
      {"run", "seed", CHARRNN_MEMBER(run.seed), fixed, at_least(0), "N", "seed of everything random"},
      {"run", "device", CHARRNN_MEMBER(run.device), free, one_of("auto|cpu|cuda"), "", "where to compute; auto: on a GPU if there is one"},
      {"run", "comm", CHARRNN_MEMBER(run.comm), free, one_of("auto|mpi|nccl"), "", "what sums the gradients of the ranks; auto: NCCL on GPUs, else memory that the ranks of a node share, and MPI between nodes"},
      {"run", "engine", CHARRNN_MEMBER(run.engine), bits, one_of("auto|torch|native|persistent"), "", "torch: LibTorch, every model; native: rnn, gru, lstm and norm_lstm on CPUs, faster; persistent: rnn, gru and lstm on GPUs with `precision` bf16, not yet tried on a GPU; auto: native or torch"},
      {"run", "precision", CHARRNN_MEMBER(run.precision), bits, one_of("fp32|tf32|bf16"), "", "of the factors of matrix products: fp32; tf32: 11 bits on GPUs, 17 on CPUs with AMX, elsewhere as fp32; bf16: 8 bits, on GPUs the layers' results too; all else stays fp32", "", "fp32|tf32|bf16|int8", "int8: weights of 8 bits, on CPUs only"},
      {"run", "threads", CHARRNN_MEMBER(run.threads), bits, between(0, kMostThreads), "N", "threads per rank; 0: as OMP_NUM_THREADS says, or the rank's share of the cores"},
      {"run", "timeout", CHARRNN_MEMBER(run.timeout), free, between(0.1, 1e6), "SECONDS", "how long to wait for another rank, or for a step on a GPU, before giving up"},
      {"run", "save-every", CHARRNN_MEMBER(run.save_every), free, at_least(0), "N", "write a checkpoint every N steps as well; 0: only as often as `save-minutes` says, and at the ends of epochs"},
      {"run", "save-minutes", CHARRNN_MEMBER(run.save_minutes), free, at_least(0), "X", "write a checkpoint every X minutes; 0: only at the ends of epochs"},
      {"run", "validate-every", CHARRNN_MEMBER(run.validate_every), free, at_least(0), "N", "validate every N steps as well; 0: at the ends of epochs"},
      {"run", "validate-characters", CHARRNN_MEMBER(run.validate_characters), free, at_least(0), "N", "validate on N characters of the validation part, always the same; 0: on all of it"},
      {"run", "exact-end", CHARRNN_MEMBER(run.exact_end), free, any, "", "with `validate-characters`: at the end, validate the last and the best model on the whole part"},
      {"run", "log-every", CHARRNN_MEMBER(run.log_every), free, at_least(1), "N", "write a line to metrics.jsonl every N steps"},
      {"run", "tensorboard", CHARRNN_MEMBER(run.tensorboard), free, any, "", "also write event files for TensorBoard into the run's folder (docs/tracking.md)"},
      {"run", "noise-scale", CHARRNN_MEMBER(run.noise_scale), free, any, "", "estimate how many columns a batch can have before more of them no longer pay (docs/large_batches.md); needs several ranks, or `reproducible` with at least 2 `micro-batches`"},
      {"run", "check-every", CHARRNN_MEMBER(run.check_every), free, at_least(0), "N", "compare the parameters of all ranks every N steps; 0: before each checkpoint"},
      {"run", "reproducible", CHARRNN_MEMBER(run.reproducible), free, any, "", "the same bits on any number of ranks (docs/reproducibility.md)"},
      {"run", "micro-batches", CHARRNN_MEMBER(run.micro_batches), bits, at_least(1), "N", "with `reproducible`: groups that the columns are divided into, and the most ranks there can be"},
  };
  return rows;
}

#undef CHARRNN_MEMBER
// clang-format on

const Option* find_option(const std::vector<Option>& rows, std::string name) {
  std::ranges::replace(name, '_', '-');
  const auto found = std::ranges::find_if(rows, [&](const Option& row) {
    const Strings older = split(row.older, '|');
    return name == row.name || std::ranges::find(older, name) != older.end();
  });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace charrnn
