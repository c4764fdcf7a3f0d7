// How fast this processor multiplies matrices: what the time of training steps is measured by.
#pragma once

#include "base/thread_team.hpp"
#include "models/precision.hpp"

namespace charrnn {

/// Floating-point operations a second of all threads of the team together, in products of a shape that suits
/// the processor. The highest rate within a tenth of a second.
double measure_product_rate(Precision precision, ThreadTeam& team);

}  // namespace charrnn
