// Writing a whole text file.
#pragma once

#include <filesystem>
#include <string>

namespace charrnn {

/// DataError that names the file if it cannot be written.
void write_text_file(const std::filesystem::path& path, const std::string& text);

}  // namespace charrnn
