// The first 512 bytes of a checkpoint: which format it is, and the SHA-256 of everything after them.
#pragma once

#include <cstddef>
#include <span>

namespace charrnn {

inline constexpr std::size_t kUserBlock = 512;

/// Fills in the block at the front of a whole file, which left room for it.
void seal(std::span<char> file);

}  // namespace charrnn
