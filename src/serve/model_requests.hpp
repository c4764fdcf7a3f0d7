// What clients ask a model for, as JSON.
#pragma once

#include <string>
#include <vector>

#include "sample/token_choice.hpp"

namespace charrnn {

/// Which model: {"run": NAME, "checkpoint": "best", "latest" or a file's name}. Without a checkpoint the best one is
/// taken, or the newest where there is no best.
struct ModelRequest {
  std::string run, checkpoint;
};

/// And {"prime", "length", "temperature", "top_k", "top_p", "greedy", "seed"}, as the options of `charrnn_dist sample`.
struct SampleRequest : ModelRequest {
  std::string prime;
  std::int64_t length = 400;
  SampleOptions options;
};

/// And {"text"}.
struct ScoreRequest : ModelRequest {
  std::string text;
};

/// And {"text", "layer", "units": [number, …]}; or {"search": NAME} instead of units.
struct NeuronRequest : ModelRequest {
  std::string text, search;
  std::int64_t layer = 0;
  std::vector<std::int64_t> units;
};

/// UsageError for what is not JSON, has an unknown field, a value of another type or one beyond the limits
/// (serve/limits.hpp).
SampleRequest read_sample_request(const std::string& body);
ScoreRequest read_score_request(const std::string& body);
NeuronRequest read_neuron_request(const std::string& body);

}  // namespace charrnn
