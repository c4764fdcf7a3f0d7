// How well a model predicts a text.
#pragma once

#include <string_view>
#include <vector>

#include "sample/loaded_model.hpp"

namespace charrnn {

/// The mean loss of all characters of `text` but the first, in nats, read from a hidden state of zero: what
/// `charrnn_dist eval` prints. DataError for fewer than two characters, for one that the vocabulary lacks if it has no
/// token for unknown ones, and for a model that reads windows.
///
///     const double loss = score(load_model(file, compute), "To be, or not to be");
double score(const LoadedModel& loaded, std::string_view text);

/// The same one by one: the natural logarithm of the probability of every character of `text` but the first.
std::vector<float> log_probabilities(const LoadedModel& loaded, std::string_view text);

}  // namespace charrnn
