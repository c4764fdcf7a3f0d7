#include "checkpoint/attempt_mark.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <system_error>

#include "base/host.hpp"
#include "checkpoint/launched_job.hpp"

namespace charrnn {

namespace {

const std::string kUnknownWord = "-";

/// Empty where the system does not tell.
std::string this_place() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  file >> boot;
  std::error_code error;
  const std::string processes = std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  return boot.empty() || processes.empty() ? "" : boot + "/" + processes;
}

/// When a process started; empty if it has ended, also if it only waits for its parent to notice.
std::string start_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = stat.rfind(')');  // the program's name may contain anything
  if (name_end == std::string::npos) return "";
  std::istringstream fields(stat.substr(name_end + 1));
  std::string state, start;
  fields >> state;
  constexpr int kState = 3, kStart = 22;  // as proc(5) counts them
  for (int field = kState; field < kStart; ++field) fields >> start;
  return state == "Z" || state == "X" ? "" : start;
}

}  // namespace

AttemptMark::State AttemptMark::state() const {
  if (place.empty() || start.empty() || place != this_place()) return State::kUnknown;
  return start_of(process) == start ? State::kAlive : State::kEnded;
}

AttemptMark make_mark() {
  const char* restarts = std::getenv("SLURM_RESTART_COUNT");
  std::random_device random;
  const auto word = [](const std::string& text) { return text.empty() ? kUnknownWord : text; };
  return parse_mark(fmt::format("{} {} restart {} {:08x}{:08x} {} {} {}", host_name(), ::getpid(),
                                restarts != nullptr ? restarts : "0", random(), random(), word(this_place()),
                                word(start_of(::getpid())), word(this_job())));
}

AttemptMark parse_mark(const std::string& line) {
  AttemptMark mark;
  mark.line = line;
  std::istringstream words(line);
  std::string ignored;
  words >> mark.host >> mark.process >> ignored >> ignored >> ignored >> mark.place >> mark.start >> mark.job;
  for (std::string* word : {&mark.place, &mark.start, &mark.job}) {
    if (*word == kUnknownWord) word->clear();
  }
  return mark;
}

}  // namespace charrnn
