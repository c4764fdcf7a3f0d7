// The exact loss of models on a part of a text.
#pragma once

#include <cstdint>
#include <span>

#include "base/activity.hpp"
#include "data/batches.hpp"
#include "dist/communicator.hpp"
#include "models/language_model.hpp"
#include "train/weight_average.hpp"

namespace charrnn {

struct Evaluation {
  double loss_sum = 0;          ///< nats
  std::int64_t characters = 0;  ///< predicted ones
  double loss() const { return loss_sum / static_cast<double>(characters); }
};

/// Reads the first epoch of `batches` from a hidden state of zero, or its first batches with `most` characters or a few
/// more (0: all); the sums are those of all ranks. No training state is touched. A rank may have no columns.
/// Collective; Interrupted on all ranks if the activity of one wants to stop.
Evaluation evaluate(LanguageModel& model, Batches& batches, Communicator& control, Activity& activity,
                    std::int64_t most = 0);

/// The loss of an ensemble: the mean of the models' probabilities predicts. They share one vocabulary.
Evaluation evaluate_ensemble(std::span<LanguageModel* const> models, Batches& batches, Communicator& control,
                             Activity& activity);

/// Validates while training: with the averaged weights where there is an average.
class Validator {
 public:
  /// `batches` may be null: there is no validation part. validate() reads `characters` of it, 0: all. Everything
  /// outlives it.
  Validator(LanguageModel& model, Batches* batches, WeightAverage* average, Communicator& control,
            std::int64_t characters)
      : model_(model), batches_(batches), average_(average), control_(control), characters_(characters) {}

  /// Whether there is a validation part.
  explicit operator bool() const { return batches_ != nullptr; }
  /// How many characters validate() predicts, about.
  std::int64_t characters() const;

  /// On a fixed part of the validation text, whatever the number of ranks. Interrupted as evaluate().
  Evaluation validate(Activity& activity);
  /// On all of it.
  Evaluation validate_all(Activity& activity);
  /// On all of it, with the weights that are in the model.
  Evaluation validate_model(Activity& activity);

 private:
  LanguageModel& model_;
  Batches* batches_;
  WeightAverage* average_;
  Communicator& control_;
  std::int64_t characters_;
};

}  // namespace charrnn
