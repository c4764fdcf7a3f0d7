// What a new run takes from a checkpoint that it starts with (`init-from`): options and weights.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "config/run_config.hpp"
#include "models/parameter_layout.hpp"

namespace charrnn {

/// Copies the options that decide whether the weights fit: cell and sizes of the model, and those of the vocabulary.
void take_fitting_options(const RunConfig& from, RunConfig& to);
/// ConfigError that names the option and both values if one of them differs. `then` is the config of `checkpoint`.
void check_fitting_options(const RunConfig& then, const RunConfig& now, const std::string& checkpoint);

/// Puts the tensors of a checkpoint on top of `flat`, fresh parameters of the same model with as many symbols or more:
/// the rows of further symbols in the embedding and in the output layer's weight stay as they are. Their output biases
/// become the smallest one in the checkpoint, so that the model begins by taking them for as rare as the rarest symbol
/// that it knows. DataError for tensors of another model.
void put_weights(const ParameterLayout& layout, const std::vector<NamedTensor>& tensors, std::span<float> flat);

}  // namespace charrnn
