// The loss of a model that keeps learning from the text that it has read.
#pragma once

#include <span>

#include "base/activity.hpp"
#include "data/batches.hpp"
#include "models/language_model.hpp"
#include "train/gradient_reducer.hpp"
#include "train/validation.hpp"

namespace charrnn {

struct DynamicOptions {
  double rate = 0;   ///< of the updates
  double decay = 0;  ///< part of the way back to the trained parameters after every update, of the average parameter
};

/// Dynamic evaluation (Krause et al., "Dynamic evaluation of neural sequence models", ICML 2018), its variant
/// with gradients scaled by their usual size: every batch is first predicted, then learned from,
///     p ← p − rate · g / (r + mean(r)),    then p ← p + min(1, decay · r / mean(r)) · (p₀ − p),
/// g the gradient of the batch's mean loss over all ranks, r = √(mean square of the training's gradients):
/// `mean_square`, flat as the parameters, host memory, as Adam has kept it (bias-corrected). No character is
/// predicted by a model that has seen it. Changes the model's parameters. Interrupted on all ranks if the activity of
/// one wants to stop.
Evaluation evaluate_dynamically(LanguageModel& model, std::span<const float> mean_square, const DynamicOptions& options,
                                Batches& batches, Communicator& control, GradientReducer& reducer, Activity& activity);

}  // namespace charrnn
