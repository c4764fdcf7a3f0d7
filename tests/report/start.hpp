// The beginning of a run, for the tests of what is written about it.
#pragma once

#include "train/observer.hpp"

namespace charrnn {

/// Tells `observer` that an attempt begins after `first` steps.
inline void start(TrainObserver& observer, std::int64_t first) {
  const RunConfig config;
  const CorpusSummary corpus;
  observer.on_start({.config = config,
                     .config_text = "[run]\n",
                     .corpus = corpus,
                     .data_shape = "",
                     .engine = "",
                     .gradients_over = "",
                     .first_step = first});
}

}  // namespace charrnn
