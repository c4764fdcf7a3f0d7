// The gradient's global norm, and clipping by it.
#pragma once

#include "base/thread_team.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// The 2-norm of the model's gradient: the same bits for any number of threads.
double gradient_norm(LanguageModel& model, ThreadTeam& team);

/// What a gradient of this norm is multiplied with so that its norm is at most `limit` (0: no limit), as
/// torch.nn.utils.clip_grad_norm_ does.
double clip_factor(double norm, double limit);

}  // namespace charrnn
