#include "base/text_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/error.hpp"

namespace charrnn {

void write_text_file(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path temporary =
      path.parent_path() / fmt::format(".{}.tmp-{}", path.filename().string(), ::getpid());
  std::ofstream file(temporary, std::ios::binary);
  file << text << std::flush;
  std::error_code error(file.good() ? 0 : errno != 0 ? errno : EIO, std::generic_category());
  file.close();
  if (!error) std::filesystem::rename(temporary, path, error);
  if (!error) return;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  throw DataError(fmt::format("cannot write '{}': {}", path.string(), error.message()));
}

}  // namespace charrnn
