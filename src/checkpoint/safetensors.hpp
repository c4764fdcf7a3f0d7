// A model as a .safetensors file, the format of Hugging Face's tools: the tensors, and all that describes them as
// metadata. docs/interchange.md describes the file.
#pragma once

#include <filesystem>

#include "checkpoint/checkpoint.hpp"

namespace charrnn {

/// Whether its name says that a file is one: it ends in .safetensors.
bool is_safetensors(const std::filesystem::path& path);

/// Writes what describes the checkpoint, its vocabulary and `model`; the settings must be there. Replaces the file
/// atomically. WriteError if the file system refuses.
///
///     write_safetensors("model.safetensors", checkpoint);
void write_safetensors(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// What read_checkpoint() does for such a file, which anybody may have made: the header's length, types, shapes and
/// places are checked before anything is allocated for them. Tensors may be F32, F16 or BF16. DataError naming the file,
/// also for Parts::kAll: it has nothing that a resume needs.
Checkpoint read_safetensors(const std::filesystem::path& path, Parts parts, const LayoutOf& layout_of);

}  // namespace charrnn
