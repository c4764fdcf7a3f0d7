// The exact loss of a model on columns of text.
#pragma once

#include <cstdint>

#include "data/column_tokens.hpp"
#include "dist/communicator.hpp"
#include "models/language_model.hpp"

namespace charrnn {

struct Evaluation {
  double loss_sum = 0;          ///< nats
  std::int64_t characters = 0;  ///< predicted ones
  double loss() const { return loss_sum / static_cast<double>(characters); }
};

/// Every rank reads its columns from a hidden state of zero to their end; the sums are those of all ranks.
/// The model's training state is not touched. A rank may have no columns.
Evaluation evaluate(LanguageModel& model, const ColumnTokens& tokens, Communicator& control);

}  // namespace charrnn
