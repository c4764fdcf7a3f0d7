// A model as a .pt file, which torch.load() reads, also with weights_only=True. docs/interchange.md describes it.
#pragma once

#include <filesystem>

#include "checkpoint/checkpoint.hpp"

namespace charrnn {

/// Writes the weights (a state dict), the vocabulary, the settings, which must be there, and the config. Replaces the
/// file atomically. WriteError if the file system refuses.
///
///     write_pt("model.pt", checkpoint);  // Python: torch.load("model.pt")["model"]
void write_pt(const std::filesystem::path& path, const Checkpoint& checkpoint);

}  // namespace charrnn
