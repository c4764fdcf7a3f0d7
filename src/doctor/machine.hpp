// What one node has for its ranks: cores, memory, places for files that are shared or thrown away.
#pragma once

#include <filesystem>
#include <span>

#include "dist/topology.hpp"
#include "doctor/finding.hpp"

namespace charrnn {

/// Of the node of rank `rank`, among the ranks at `places`: whether each rank has a core, and what limits them.
/// `omp_num_threads` is the variable's value, or null.
Findings check_cores(std::span<const RankPlace> places, int rank, const char* omp_num_threads);

/// Memory that `ranks` ranks of this node may use: the machine's, and the limits of control groups. `root` is where
/// /proc and /sys are.
Finding check_memory(int ranks, const std::filesystem::path& root = "/");

/// /dev/shm, through which MPI's ranks of a node talk.
Finding check_shared_memory(int ranks, const std::filesystem::path& folder = "/dev/shm");

/// Where the tokens of large texts go: a byte a character, in a file of no name.
Finding check_temporary_folder();

/// Open files that a process may have.
Finding check_limits();

}  // namespace charrnn
