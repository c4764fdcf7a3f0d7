#include "base/text_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.hpp"

namespace charrnn {

void write_text_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  require(file.good(), "cannot write '{}': {}", path.string(), std::strerror(errno));
}

}  // namespace charrnn
