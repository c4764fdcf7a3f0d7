#include "report/kept_lines.hpp"

#include <fstream>
#include <system_error>

#include "base/atomic_file.hpp"
#include "base/error.hpp"

namespace charrnn {

namespace fs = std::filesystem;

void keep_lines(const fs::path& path, const std::function<bool(const std::string&)>& keeps) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return;
  // Anything else might be waited for, or never end.
  require(status.type() == fs::file_type::regular, "'{}' is not a regular file; move it away", path.string());
  std::ifstream before(path, std::ios::binary);
  std::string kept;
  for (std::string line; std::getline(before, line);) {
    if (keeps(line)) kept += line + "\n";
  }
  require(before.eof() && !before.bad(), "cannot read '{}'; it would be lost", path.string());
  replace_file(path, kept);
}

}  // namespace charrnn
