// The gradient's global norm on a CPU.
#pragma once

#include "base/thread_team.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// The 2-norm of the gradient of a model on a CPU: the same bits for any number of threads.
double gradient_norm(LanguageModel& model, ThreadTeam& team);

}  // namespace charrnn
