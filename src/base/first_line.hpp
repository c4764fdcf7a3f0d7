// The first line of a small file that other processes write.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace charrnn {

/// At most 4 KB of it; nothing if there is no such file. WriteError if the file system does not say: it may come back. Does
/// not wait, whatever kind of file it is.
std::optional<std::string> first_line(const std::filesystem::path& file);

}  // namespace charrnn
