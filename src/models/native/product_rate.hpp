// How fast this processor multiplies matrices: what the time of training steps is measured by.
#pragma once

#include "base/thread_team.hpp"

namespace charrnn {

/// Floating-point operations a second of all threads of the team together, in float32 products of a shape
/// that suits the processor. Takes some hundredths of a second.
double measure_product_rate(ThreadTeam& team);

}  // namespace charrnn
