// Language models without LibTorch's modules and autograd: the engine for CPUs.
#pragma once

#include <memory>

#include "base/thread_team.hpp"
#include "models/language_model.hpp"
#include "models/precision.hpp"

namespace charrnn {

/// For cells that have a native layer (models/cells.hpp). Every number it computes is the same for any number of
/// threads: they share columns, then blocks of weights, and the order of every sum is fixed. `team` must outlive it.
std::unique_ptr<LanguageModel> make_native_language_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                                          Precision precision, ThreadTeam& team);

}  // namespace charrnn
