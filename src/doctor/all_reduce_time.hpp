// How fast the ranks sum gradients.
#pragma once

#include "dist/communicator.hpp"
#include "dist/device_memory.hpp"
#include "doctor/finding.hpp"

namespace charrnn {

/// Times all-reduces of little and of much over `gradients`, whose data lies in `memory`. Collective; the same on all
/// ranks but for their clocks.
Findings time_all_reduce(Communicator& gradients, DeviceMemory& memory);

}  // namespace charrnn
