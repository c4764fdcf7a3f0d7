#include "report/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace charrnn {

namespace {

/// The file behind standard output: that of the mpirun which started this rank on this machine, or our own.
std::filesystem::path output_file() {
  std::error_code error;
  const bool under_mpirun =
      std::getenv("OMPI_COMM_WORLD_RANK") != nullptr && std::getenv("SLURM_STEP_NUM_TASKS") == nullptr;
  const std::string process = under_mpirun ? std::to_string(::getppid()) : "self";
  return std::filesystem::read_symlink(fmt::format("/proc/{}/fd/1", process), error);
}

}  // namespace

bool output_is_terminal() {
  if (::isatty(STDOUT_FILENO) == 0) return false;
  const std::string file = output_file().string();
  return file.starts_with("/dev/pts/") || file.starts_with("/dev/tty") || file == "/dev/console";
}

bool output_redraws() {
  const char* kind = std::getenv("TERM");
  return output_is_terminal() && kind != nullptr && std::string_view(kind) != "dumb" && *kind != '\0';
}

int terminal_width() {
  constexpr int kUsual = 80;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  if (columns == nullptr) return kUsual;
  int width = 0;
  const std::string_view text = columns;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
  return error == std::errc() && width > 0 ? width : kUsual;
}

}  // namespace charrnn
