// How long the steps of a training take, measured for bench.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "app/job.hpp"
#include "train/cost_model.hpp"
#include "train/training.hpp"

namespace charrnn {

/// The phases that a step spends time in.
constexpr auto kStepPhases = std::span(kPhaseNames).first<static_cast<std::size_t>(Phase::kUpdate) + 1>();

/// Median time and phases of a step with one engine.
struct StepCost {
  std::string engine;
  double seconds = 0;
  PhaseSeconds phases{};  ///< means over the steps
  double characters = 0;  ///< of a step, mean

  double of(Phase phase) const { return phases[static_cast<std::size_t>(phase)]; }
};

/// Of so many steps, after a few that warm up. Collective. Interrupted if a signal came.
StepCost time_steps(std::int64_t steps, Training& training, Job& job);

/// Seconds of a step's work on columns, and on how many of this rank.
struct ColumnTime {
  std::int64_t columns;
  double seconds;
};

ColumnTime column_time(const StepCost& cost, Training& training);

/// What the gradients' all-reduce costs. Collective.
ReduceCost reduce_cost(Training& training);

}  // namespace charrnn
