#include "checkpoint/ownership.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/first_line.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;
using State = AttemptMark::State;
using namespace std::chrono_literals;

constexpr auto kPoll = 20ms;

void wait_a_little(Activity& activity) {
  if (activity.wants_stop()) throw Interrupted();
  std::this_thread::sleep_for(kPoll);
}

/// Held by one process of this machine at a time, so that of two that take a folder over at one moment the second sees
/// the first.
class FolderLock {
 public:
  /// Gives up after some seconds, where a file system keeps no locks.
  FolderLock(const fs::path& folder, Activity& activity)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
           std::chrono::steady_clock::now() < limit) {
      wait_a_little(activity);
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

/// Creates the file, unless there is one. A crash in the middle leaves an empty one.
bool create_file(const fs::path& path, const std::string& bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return false;
  const bool is_written =
      ::write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(descriptor) == 0;
  const int error = errno;
  ::close(descriptor);
  if (!is_written) ::unlink(path.c_str());
  errno = is_written ? 0 : error;
  return is_written;
}

std::string owner(const AttemptMark& mark) {
  return mark.host.empty() ? "another attempt" : fmt::format("process {} on host {}", mark.process, mark.host);
}

std::string already_training(const AttemptMark& mark, const std::string& folder) {
  return fmt::format("process {} is training in '{}' already; wait for it, stop it, or use another `name`",
                     mark.process, folder);
}

/// Why a new run cannot have the folder, and how to mend it.
std::string refusal(const AttemptMark& mark, const std::string& folder) {
  switch (mark.state()) {
    case State::kAlive:
      return already_training(mark, folder);
    case State::kEnded:
      return fmt::format(
          "'{}' belongs to a run that was broken off before its first checkpoint: start it again with `resume`, or use "
          "another `name`",
          folder);
    case State::kUnknown:
      break;
  }
  return fmt::format(
      "'{}' belongs to {}, which cannot be seen from here and may be training: use another `name`; or, if it has "
      "ended, take the folder over with `resume`",
      folder, owner(mark));
}

}  // namespace

Ownership::Ownership(const fs::path& run_folder, Claim claim, const Warn& warn, Activity& activity)
    : file_(run_folder / "attempt"), mark_(make_mark()) {
  made_.make(run_folder);
  std::optional<FolderLock> lock;
  if (claim == Claim::kResume) lock.emplace(run_folder, activity);
  const auto limit = std::chrono::steady_clock::now() + 5s;
  while (!take_if_free()) {
    const std::optional<std::string> line = first_line(file_);
    if (!line) continue;  // it has just been given back
    const AttemptMark other = parse_mark(*line);
    const bool is_alive = other.state() == State::kAlive;
    // The ranks of a job that mpirun has just ended may take a moment to exit; and a mark is empty while it is written.
    const bool may_change = other.line.empty() || (is_alive && claim == Claim::kResume);
    if (may_change && std::chrono::steady_clock::now() < limit) {
      wait_a_little(activity);
      continue;
    }
    if (claim == Claim::kNewRun) throw UsageError(refusal(other, run_folder.string()));
    if (is_alive) throw UsageError(already_training(other, run_folder.string()));
    if (other.state() == State::kUnknown) {
      warn(fmt::format("taking '{}' over from {}; if that still trains, it ends at its next checkpoint",
                       run_folder.string(), owner(other)));
    }
    replace_file(file_, mark_.line + "\n");
    return;
  }
}

Ownership::~Ownership() {
  try {
    check();
    fs::remove(file_);
  } catch (const std::exception&) {
    // It is another attempt's, or nothing can be removed now: then the mark tells that this process has ended.
  }
}

bool Ownership::take_if_free() {
  for (;;) {
    if (create_file(file_, mark_.line + "\n")) return true;
    if (errno == EEXIST) return false;
    // A start that was refused at this moment may have taken its new folder away again.
    if (const int error = errno; error != ENOENT) throw WriteError("write", file_, error);
    made_.make(file_.parent_path());
  }
}

void Ownership::check() const {
  const std::optional<std::string> now = first_line(file_);
  const fs::path folder = file_.parent_path();
  if (!now || now->empty()) {
    std::error_code error;
    const bool is_there = fs::exists(folder, error);
    throw DataError(fmt::format("'{}' {}; this attempt writes nothing more", folder.string(),
                                is_there ? "is being deleted, or was taken by another attempt, which has ended since"
                                         : "was deleted or renamed while it trained"));
  }
  require(*now == mark_.line, "'{}' was taken by another attempt ({}); this attempt writes nothing more",
          folder.string(), owner(parse_mark(*now)));
}

}  // namespace charrnn
