// The file system that all ranks share: whether runs can live there.
#pragma once

#include <filesystem>

#include "dist/communicator.hpp"
#include "doctor/finding.hpp"

namespace charrnn {

/// Tries in a new folder within `folder` what a run does: exclusive files, locks, renames, links, fsync; and whether
/// every rank sees what rank 0 writes. Nothing is left behind. Findings on rank 0, none elsewhere. Collective.
Findings check_shared_folder(const std::filesystem::path& folder, Communicator& control);

}  // namespace charrnn
