// The models by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/thread_team.hpp"
#include "models/language_model.hpp"
#include "models/model_kind.hpp"
#include "models/precision.hpp"

namespace charrnn {

/// Names that ModelConfig::model may have, those of the notebook (fast.ai, lesson 6) last.
std::vector<std::string> model_names();

/// What a name stands for; a notebook's name gives the kind that it is. UsageError for an unknown one.
const ModelKind& model_kind(const std::string& name);

/// Parameters of a model, without building it. UsageError for an unknown name or sizes out of range.
ParameterLayout parameter_layout(const ModelConfig& config, std::int64_t vocabulary_size);

/// What a model carries from window to window.
std::vector<StateSpec> state_specs(const ModelConfig& config, const ModelKind& kind);

/// Where and how a model computes.
struct Compute {
  Device device;
  std::string engine = "auto";             ///< torch, native, or auto: the fastest that runs the model
  Precision precision = Precision::kFp32;  ///< bf16 for stacked layers, natively or on a GPU
  ThreadTeam& team;                        ///< of the native engine
};

/// Whether the native engine knows the model.
bool can_run_natively(const ModelConfig& config);
/// Whether the native engine computes the model; else LibTorch does. UsageError if the engine that was asked
/// for cannot run it.
bool runs_natively(const ModelConfig& config, const Compute& compute);

/// A model with parameters of zero; give it some by load_parameters(). compute.team must outlive it.
std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                          const Compute& compute);

}  // namespace charrnn
