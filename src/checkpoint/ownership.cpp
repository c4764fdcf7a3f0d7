#include "checkpoint/ownership.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string_view>
#include <thread>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/host.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

std::string read_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// The name of a process's program, also where a newer build has taken its place in the file system.
std::string program_of(const std::string& process, std::error_code& ended) {
  std::string name = fs::read_symlink("/proc/" + process + "/exe", ended).filename().string();
  constexpr std::string_view kReplaced = " (deleted)";
  if (name.ends_with(kReplaced)) name.resize(name.size() - kReplaced.size());
  return name;
}

/// True if `pid` is a running process of this very program (numbers are used again after a while).
bool is_alive(pid_t pid) {
  // /proc/<pid>/exe cannot be read for a process that has ended and only waits for its parent.
  std::error_code ended, unknown;
  const std::string its_program = program_of(std::to_string(pid), ended);
  return !ended && pid != ::getpid() && its_program == program_of("self", unknown);
}

/// Held by one process of this machine at a time, so that looking who has a folder and taking it are one act.
class FolderLock {
 public:
  /// Gives up after some seconds, where a file system keeps no locks.
  explicit FolderLock(const fs::path& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    using namespace std::chrono_literals;
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
           std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(20ms);
    }
  }
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

/// The same after waiting for some seconds: the ranks of a job that mpirun has just ended may take a moment to exit.
bool stays_alive(pid_t pid) {
  using namespace std::chrono_literals;
  const auto limit = std::chrono::steady_clock::now() + 5s;
  while (is_alive(pid) && std::chrono::steady_clock::now() < limit) std::this_thread::sleep_for(50ms);
  return is_alive(pid);
}

}  // namespace

Ownership::Ownership(const fs::path& run_folder, const Warn& warn) : file_(run_folder / "attempt") {
  const FolderLock lock(run_folder);
  const std::string host = host_name();
  const std::string before = read_line(file_);
  if (!before.empty()) {
    std::istringstream words(before);
    std::string other_host;
    pid_t pid = 0;
    words >> other_host >> pid;
    const bool here = other_host == host;
    require<UsageError>(!here || !stays_alive(pid),
                        "process {} is training in '{}' already; wait for it, stop it, or use another `name`", pid,
                        run_folder.string());
    if (!here) warn(fmt::format("taking '{}' over from an attempt on host {}", run_folder.string(), other_host));
  }
  const char* restarts = std::getenv("SLURM_RESTART_COUNT");
  std::random_device random;
  identity_ = fmt::format("{} {} restart {} {:08x}{:08x}", host, ::getpid(), restarts != nullptr ? restarts : "0",
                          random(), random());
  replace_file(file_, identity_ + "\n");
}

Ownership::~Ownership() {
  std::error_code ignored;
  if (read_line(file_) == identity_) fs::remove(file_, ignored);
}

void Ownership::check() const {
  const std::string now = read_line(file_);
  require(!now.empty(),
          "'{}' is gone: the run's folder was deleted or renamed while it trained; nothing more is written",
          file_.string());
  require(now == identity_,
          "'{}' says that this run's folder belongs to another attempt now ({}); this one writes no more",
          file_.string(), now);
}

}  // namespace charrnn
