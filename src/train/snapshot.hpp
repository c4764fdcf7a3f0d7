// Between the living parts of a run and a checkpoint.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "config/run_config.hpp"
#include "data/corpus.hpp"
#include "data/vocabulary.hpp"
#include "dist/communicator.hpp"
#include "models/language_model.hpp"
#include "train/batch_state.hpp"
#include "train/optimizer.hpp"
#include "train/weight_average.hpp"

namespace charrnn {

/// Hidden states of all ranks' `columns` columns on rank 0, by global column; without values elsewhere.
/// Collective.
std::vector<NamedTensor> gather_hidden(const MicroBatchStates& states, const Sharding& sharding, std::int64_t columns,
                                       Communicator& control);
/// This rank's columns out of all `columns`. DataError if `all` is not the hidden state of such a model.
void load_hidden(const MicroBatchStates& states, const Sharding& sharding, std::int64_t columns,
                 const std::vector<NamedTensor>& all);

/// Fills in model and optimizer; `average` may be null.
void take(const LanguageModel& model, const Optimizer& optimizer, const WeightAverage* average, Checkpoint& checkpoint);
void load_optimizer(Optimizer& optimizer, const ParameterLayout& layout, const Checkpoint& checkpoint);
/// Mean squares of the training's gradients, laid out as the parameters: Adam's exp_avg_sq without its bias.
/// DataError for a checkpoint of another optimizer.
std::vector<float> mean_square_of_gradients(const ParameterLayout& layout, const Checkpoint& checkpoint, double beta2);
/// The weights that went on training, where the checkpoint's model is their average; else nothing.
void load_trained(LanguageModel& model, const Checkpoint& checkpoint);

/// Now, as 2026-01-31T12:00:00Z.
std::string utc_now();

/// Where a run is, beside its weights: what a checkpoint of it says.
struct RunPosition {
  std::int64_t step = 0, epoch = 0, cycle = 0;
  std::int64_t batches_done = 0;  ///< of this epoch
  std::int64_t row = 0;           ///< next position in every column, or windows done
  std::vector<EpochRecord> history;
  std::vector<ValidationRecord> validations;
  Checkpoint::Progress progress;

  /// Whether the run ends here, at `last_step`, and that has not been validated.
  bool lacks_closing_validation(std::int64_t last_step) const {
    return step == last_step && progress.validated_step != step;
  }
};

/// The position that a checkpoint of a run with these batches stands at. DataError for one that the run does not come
/// to.
RunPosition position_of(const Checkpoint& checkpoint, Batches& batches);

/// Makes checkpoints of a run; everything outlives it.
struct SnapshotMaker {
  const RunConfig& config;
  const std::string& config_text;
  const CorpusSummary& corpus;
  const Vocabulary& vocabulary;
  LanguageModel& model;
  const Optimizer& optimizer;
  WeightAverage* average;  ///< null: none
  Communicator& control;

  /// Fills in all of it on rank 0, and what needs no memory elsewhere. Collective.
  void make(const RunPosition& position, const BatchState& state, const Sharding& sharding,
            Checkpoint& checkpoint) const;
};

}  // namespace charrnn
