// The exact loss of models on a part of a text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

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

/// Reads the first epoch of `batches` from a hidden state of zero; the sums are those of all ranks. No
/// training state is touched. A rank may have no columns.
Evaluation evaluate(LanguageModel& model, Batches& batches, Communicator& control);

/// The loss of an ensemble: the mean of the models' probabilities predicts. They share one vocabulary.
Evaluation evaluate_ensemble(std::span<LanguageModel* const> models, Batches& batches, Communicator& control);

/// Validates while training: with the averaged weights where there is an average.
class Validator {
 public:
  /// `batches` may be null: there is no validation part. Everything outlives it.
  Validator(LanguageModel& model, Batches* batches, WeightAverage* average, Communicator& control)
      : model_(model), batches_(batches), average_(average), control_(control) {}

  /// Loss in nats per character; nothing where there is no validation part. Collective.
  std::optional<double> validate();

 private:
  LanguageModel& model_;
  Batches* batches_;
  WeightAverage* average_;
  Communicator& control_;
};

}  // namespace charrnn
