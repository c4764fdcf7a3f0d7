// What a resume keeps of a file that an earlier attempt wrote.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace charrnn {

/// Replaces the file by those of its lines, in order, for which `keeps` is true; where there is none, nothing happens.
/// DataError if it is no file or cannot be read, WriteError if it cannot be written.
void keep_lines(const std::filesystem::path& path, const std::function<bool(const std::string&)>& keeps);

}  // namespace charrnn
