// Writing a whole text file.
#pragma once

#include <filesystem>
#include <string>

namespace charrnn {

/// The whole text or, with a DataError that names the file, what was there before.
void write_text_file(const std::filesystem::path& path, const std::string& text);

}  // namespace charrnn
