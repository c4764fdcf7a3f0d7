// What a checkpoint holds, as plain data. docs/checkpoint.md describes the file; writer.cpp and reader.cpp are its two
// sides.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/running_mean.hpp"
#include "config/model_config.hpp"
#include "models/parameter_layout.hpp"

namespace charrnn {

struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// One row per finished epoch. Losses in nats per character.
struct EpochRecord {
  std::int64_t epoch = 0, step = 0;
  double train_loss = 0, val_loss = 0, learning_rate = 0, seconds = 0;
};

/// One row per validation, at an epoch's end or within it.
struct ValidationRecord {
  std::int64_t step = 0;
  double loss = 0;  ///< NaN: the text has no validation part
};

struct CheckpointHeader {
  std::string arch;
  std::int64_t step = 0;   ///< updates done
  std::int64_t epoch = 0;  ///< the epoch that `step` lies in
  std::int64_t cycle = 0;
  std::string created_utc, program_version;
  std::string processor;  ///< of rank 0; empty in files of older versions
};

/// How the model is built and what it predicts from: all that using it takes beside its weights.
struct ModelSettings {
  ModelConfig model;
  std::int64_t window = 0;        ///< DataConfig::window
  std::string predict = "every";  ///< DataConfig::predict
};

struct Checkpoint : CheckpointHeader {
  std::string config;                     ///< the effective config, TOML
  std::optional<ModelSettings> settings;  ///< none in files of 0.4.0: they are in `config`

  struct Vocabulary {
    std::vector<std::string> symbols;
    std::int64_t unknown = -1, padding = -1;  ///< tokens; -1: none
    bool lowercase = false, bytes = false, full = false;
    std::int64_t min_freq = 1;
  } vocabulary;

  std::vector<NamedTensor> model;
  std::vector<NamedTensor> trained;  ///< with weight averaging: `model` is the average, this is being trained

  /// One state buffer of the optimizer, such as Adam's exp_avg: a tensor for every parameter, by its name.
  struct OptimizerBuffer {
    std::string name;
    std::vector<NamedTensor> tensors;
  };
  std::vector<OptimizerBuffer> optimizer;
  std::int64_t optimizer_step = 0;
  struct Group {
    std::string match;
    double learning_rate = 0, weight_decay = 0;
  };
  std::vector<Group> groups;

  /// The hidden state by global column: "h" and an LSTM's "c", each [layers, columns, width]. No columns where
  /// no state is carried from batch to batch.
  std::vector<NamedTensor> hidden;

  struct Data {
    std::string corpus_sha256;
    std::int64_t train_characters = 0, row = 0, columns = 0, bptt = 0;
  } data;

  std::vector<EpochRecord> history;
  std::vector<ValidationRecord> validations;  ///< in the order of the run

  /// The sums of the unfinished epoch, from which a resumed run computes its means, and what it counts.
  struct Progress {
    double loss_sum = 0, characters = 0;
    RunningMean smoothed;  ///< of the steps' losses
    double seconds = 0;
    double best_val_loss = 0;  ///< infinity as long as none was better than a uniform guess
    // What follows is not in files of versions before 0.6.
    std::int64_t best_step = 0;               ///< that best_val_loss was reached at; 0: unknown
    std::int64_t validations_since_best = 0;  ///< since the one with the lowest loss, for `patience`
    std::int64_t skipped_steps = 0;           ///< left out (`skip-bad-steps`), in the whole run
    std::int64_t skipped_in_a_row = 0;        ///< the newest ones
    /// Of the newest validation; files of versions before 0.6 do not say, and stand for one at their own step.
    std::int64_t validated_step = 0;
  } progress;
};

/// A file whose contents are not what docs/checkpoint.md promises.
class DamagedCheckpoint : public DataError {
 public:
  DamagedCheckpoint(const std::filesystem::path& path, const std::string& what)
      : DataError(fmt::format("the checkpoint '{}' is damaged: {}; use another one", path.string(), what)) {}
};

/// What `use` makes of a checkpoint's contents. Where it refuses them it is the file that is damaged.
template <class Use>
auto from_checkpoint(const std::filesystem::path& path, const Use& use) {
  try {
    return use();
  } catch (const DamagedCheckpoint&) {
    throw;
  } catch (const Error& error) {
    throw DamagedCheckpoint(path, error.what());
  }
}

/// Replaces the file atomically. `before_rename` may throw to keep the file from appearing. WriteError if the file
/// system refuses; nothing is left behind then.
void write_checkpoint(
    const std::filesystem::path& path, const Checkpoint& checkpoint,
    const std::function<void()>& before_rename = [] {});

/// The file's own SHA-256 against its contents. DataError naming the file if it does not match, or if there is no
/// checkpoint.
void check_digest(const std::filesystem::path& path);

/// How much of a file is read; each part comes on top of the one before.
enum class Parts {
  kHeader,       ///< CheckpointHeader
  kDescription,  ///< config, settings, vocabulary, data, progress
  kShapes,       ///< of the weights: whether they are those of layout_of()
  kModel,        ///< the weights
  kAll,          ///< what only a resume needs: optimizer, hidden states, history
};

/// The parameters that are wanted of a file, whose description has been read. May throw to refuse it.
using LayoutOf = std::function<ParameterLayout(const Checkpoint&)>;

/// Reads a file whose digest has been checked, and trusts nothing in it: types, ranks, sizes, ranges and links are
/// checked before anything is read or allocated, and never more than the file's size is read out of it. Of the tensors
/// only those of layout_of() are read. DamagedCheckpoint; DataError if the file's model is another one. The path may also
/// be that of a model in another format (checkpoint/safetensors.hpp).
///
///     check_digest(path);
///     Checkpoint checkpoint = read_checkpoint(path, Parts::kModel, [](const Checkpoint& described) {
///       return parameter_layout(described.settings->model, std::ssize(described.vocabulary.symbols));
///     });
Checkpoint read_checkpoint(const std::filesystem::path& path, Parts parts, const LayoutOf& layout_of = {});

/// Some kilobytes of any size of file, without its digest.
inline CheckpointHeader read_header(const std::filesystem::path& path) {
  return read_checkpoint(path, Parts::kHeader);
}

}  // namespace charrnn
