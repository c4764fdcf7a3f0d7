// The first 512 bytes of a checkpoint: which format it is, and the SHA-256 of everything after them.
#pragma once

#include <cstddef>
#include <filesystem>

namespace charrnn {

inline constexpr std::size_t kUserBlock = 512;

/// Writes the block at the front of a closed HDF5 file that left room for it, and syncs the file to disk.
void seal(const std::filesystem::path& path);

}  // namespace charrnn
