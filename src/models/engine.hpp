// The engines: who can compute a model, and how. A new engine is one more row of engines().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/device.hpp"
#include "base/thread_team.hpp"
#include "models/language_model.hpp"
#include "models/precision.hpp"

namespace charrnn {

/// Where and how a model computes.
struct Compute {
  Device device;
  std::string engine = "auto";  ///< an engine's name, or auto
  Precision precision = Precision::kFp32;
  ThreadTeam& team;  ///< works for the model and for what is done to its parameters on CPUs
};

struct Engine {
  std::string_view name;
  /// Why it cannot compute the model there: one sentence without a full stop. Nothing: it can.
  std::optional<std::string> (*why_not)(const ModelConfig& model, const Device& device, Precision precision);
  /// What its products are computed in where `precision` is asked for: kFp32 for kTf32 where that would not be faster.
  Precision (*computes_in)(Precision precision, const Device& device);
  /// Whether a CPU's results depend on the number of threads.
  bool threads_decide_bits;
  /// Gives `threads` threads to the engine's computations: to LibTorch's pool or to the team, and one to the other. On
  /// GPUs and if `deterministic`, what is computed twice gives the same bits. Not while a model computes.
  void (*set_threads)(int threads, bool deterministic, const Compute& compute);
  /// For people: what computes here, and why not in `precision`; empty if the program is built without it.
  std::string (*description)(Precision precision, const Device& device);
  /// A model with parameters of zero. compute.team must outlive it.
  std::unique_ptr<LanguageModel> (*make)(const ModelConfig& model, std::int64_t vocabulary_size,
                                         const Compute& compute);
};

/// All engines, the one that is preferred where several can compute a model first.
std::span<const Engine> engines();

/// The engine that computes the model: the one that `compute` names, for auto the first one that can. ConfigError if
/// it cannot, or if there is none of that name.
///
///     const Engine& engine = find_engine(config.model, compute);
///     engine.set_threads(4, /*deterministic=*/false, compute);
///     const std::unique_ptr<LanguageModel> model = engine.make(config.model, vocabulary.size(), compute);
const Engine& find_engine(const ModelConfig& model, const Compute& compute);

/// Whether a run's results depend on the number of threads, with an engine of that name or auto.
bool threads_decide_bits(const ModelConfig& model, const std::string& engine);

}  // namespace charrnn
