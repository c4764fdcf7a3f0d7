// Between a checkpoint, which is plain data, and what it was made from.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/store.hpp"
#include "config/run_config.hpp"
#include "data/vocabulary.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// A flat buffer, laid out by `layout`, as a tensor for every parameter (in memory that `tensors` has already); and
/// back. DataError naming the first tensor of `group` (such as "/model") that is missing or has another shape.
void cut_tensors(const ParameterLayout& layout, std::span<const float> flat, std::vector<NamedTensor>& tensors);
std::vector<float> join_tensors(const ParameterLayout& layout, const std::vector<NamedTensor>& tensors,
                                const std::string& group);
/// The tensor of that name. DataError if it is missing or has another shape.
const NamedTensor& find_tensor(const std::vector<NamedTensor>& tensors, const std::string& name,
                               const std::vector<std::int64_t>& shape, const std::string& group);

Checkpoint::Vocabulary describe(const Vocabulary& vocabulary);
/// DataError if it makes no vocabulary.
Vocabulary vocabulary_of(const Checkpoint& checkpoint);

/// Gives the model the weights of the checkpoint. DataError if they are not of such a model.
void load_weights(LanguageModel& model, const Checkpoint& checkpoint);

/// The config that a checkpoint carries; of `path`, which errors name. Options that this program does not know are
/// ignored; `note` hears of each.
RunConfig config_of(const Checkpoint& checkpoint, const std::string& path, const Warn& note = {});
/// The same of a file, before there is memory for a model. DataError too if its weights are not of the model that the
/// config describes.
RunConfig read_config(const std::string& path, const Warn& note = {});

}  // namespace charrnn
