// What every training needs: the text, the model with fresh parameters, the optimizer, the way to sum
// gradients.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/gradient_communicator.hpp"
#include "app/text_data.hpp"
#include "app/threads.hpp"
#include "config/run_config.hpp"
#include "models/engine.hpp"
#include "train/gradient_reducer.hpp"
#include "train/optimizer.hpp"
#include "train/training_step.hpp"

namespace charrnn {

/// The reducer of the run's mode.
std::unique_ptr<GradientReducer> make_reducer(const RunOptions& run, LanguageModel& model,
                                              const Sharding& sharding, Communicator& communicator);

class TrainingSetup {
 public:
  /// Collective. `config` must outlive this.
  TrainingSetup(const RunConfig& config, Job& job);
  TrainingSetup(const TrainingSetup&) = delete;
  TrainingSetup& operator=(const TrainingSetup&) = delete;

  /// Of a training step with this model and optimizer.
  StepParts step_parts(const RunConfig& config, Job& job);

  /// Floating-point operations a second of all ranks' CPUs in matrix products, measured while all compute; 0
  /// on GPUs. Collective.
  double measure_products(Job& job) const;

  TrainingData data;
  Resources resources;
  std::vector<std::string> notes;  ///< about the device, for the screen
  Device device;
  Precision precision;
  ThreadTeam team;
  const Engine* engine = nullptr;  ///< computes the model
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Optimizer> optimizer;
  GradientCommunicator gradients;
  std::unique_ptr<GradientReducer> reducer;

 private:
  std::unique_ptr<LanguageModel> make_model_here(const RunConfig& config);
};

}  // namespace charrnn
