// What a model says to the page's requests.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sample/sampler.hpp"
#include "serve/model_desk.hpp"
#include "serve/model_requests.hpp"

namespace charrnn {

/// A text that is being written, as JSON lines:
///
///     {"checkpoint": "cycle_3.h5", "unknown": ["é"]}
///     {"c": "e", "p": 0.41, "top": [["e", 0.41], ["a", 0.2], …]}     a character
///     {"end": true}
///
/// `p` and `top` are what the model itself expects, whatever the options are.
class Writing {
 public:
  /// UsageError for a prime that the model cannot read. `desk` outlives this.
  Writing(ModelDesk& desk, std::shared_ptr<const LoadedModel> model, const SampleRequest& request);

  /// The next lines, after some hundredths of a second; empty when it has ended.
  std::string next();

 private:
  std::string character();

  ModelDesk& desk_;
  std::shared_ptr<const LoadedModel> model_;
  std::unique_ptr<Sampler> sampler_;
  std::int64_t left_;
  std::string waiting_;  ///< lines
};

/// {"characters": ["T", "o", …], "probabilities": [null, 0.41, …], "loss": nats per character}
nlohmann::ordered_json score_answer(ModelDesk& desk, const LoadedModel& model, const ScoreRequest& request);

/// {"characters", "layers", "width", "units": [{"layer", "unit", "activations": [-0.3, …]}],
///  "next": [[["e", 0.41], …], …]}: what the model expects after each character. With a search the units are those that go
/// best with it, each with its "correlation".
nlohmann::ordered_json neuron_answer(ModelDesk& desk, const LoadedModel& model, const NeuronRequest& request);

}  // namespace charrnn
