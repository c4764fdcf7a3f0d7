// One copy of rank 0's bytes on every machine.
#pragma once

#include <memory>

#include "base/activity.hpp"
#include "base/scratch_file.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

/// Collective. The bytes of rank 0's `file` (null elsewhere) for every rank. Ranks that can reach rank 0's memory share
/// it; on every other machine one rank gets a copy, and the others share that. A rank in a container of its own gets
/// its own. Interrupted on all ranks if one wants to stop, DataError if a machine has no room.
std::shared_ptr<ScratchFile> share_file(std::shared_ptr<ScratchFile> file, Communicator& control, Activity& activity);

}  // namespace charrnn
