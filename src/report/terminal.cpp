#include "report/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace charrnn {

namespace {

/// The file behind a standard stream: that of the mpirun which started this rank on this machine, or our own.
std::filesystem::path file_behind(int descriptor) {
  std::error_code error;
  const bool under_mpirun =
      std::getenv("OMPI_COMM_WORLD_RANK") != nullptr && std::getenv("SLURM_STEP_NUM_TASKS") == nullptr;
  const std::string process = under_mpirun ? std::to_string(::getppid()) : "self";
  return std::filesystem::read_symlink(fmt::format("/proc/{}/fd/{}", process, descriptor), error);
}

}  // namespace

bool can_redraw(std::FILE* stream) {
  const char* kind = std::getenv("TERM");
  if (::isatty(::fileno(stream)) == 0 || kind == nullptr || *kind == '\0' || std::string_view(kind) == "dumb")
    return false;
  const std::string file = file_behind(::fileno(stream)).string();
  return file.starts_with("/dev/pts/") || file.starts_with("/dev/tty") || file == "/dev/console";
}

int terminal_width(std::FILE* stream) {
  constexpr int kUsual = 80;
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  if (columns == nullptr) return kUsual;
  const int width = number_in<int>(columns).value_or(0);
  return width > 0 ? width : kUsual;
}

}  // namespace charrnn
