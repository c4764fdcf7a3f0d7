// How well a model predicts a text.
#pragma once

#include <string_view>

#include "data/vocabulary.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// The mean loss of all characters of `text` but the first, in nats, read from a hidden state of zero; characters that
/// the vocabulary does not know count as unknown, or are left out if it has no such token. DataError for fewer than
/// two.
///
///     const double loss = score(model, vocabulary, "To be, or not to be");
double score(LanguageModel& model, const Vocabulary& vocabulary, std::string_view text);

}  // namespace charrnn
