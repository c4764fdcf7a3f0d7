#include "doctor/shared_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>

#include "base/atomic_file.hpp"
#include "base/file_descriptor.hpp"
#include "base/first_line.hpp"
#include "base/host.hpp"
#include "base/new_folders.hpp"
#include "base/text.hpp"
#include "dist/agreement.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// statfs(2) lists the numbers.
std::string file_system(const fs::path& folder) {
  struct statfs status {};
  if (::statfs(folder.c_str(), &status) != 0) return "a file system that does not say which";
  struct Known {
    std::uint32_t number;
    const char* name;
  };
  constexpr Known kKnown[] = {{0xEF53, "ext4"},       {0x58465342, "XFS"},       {0x9123683E, "Btrfs"},
                              {0x6969, "NFS"},        {0x01021994, "tmpfs"},     {0x0BD00BD0, "Lustre"},
                              {0x47504653, "GPFS"},   {0x794C7630, "overlayfs"}, {0x19830326, "BeeGFS"},
                              {0x00C36400, "CephFS"}, {0x65735546, "FUSE"},      {0xFE534D42, "SMB"},
                              {0x2FC12FC1, "ZFS"},    {0x01021997, "9p"}};
  for (const Known& known : kKnown) {
    if (known.number == static_cast<std::uint32_t>(status.f_type)) return known.name;
  }
  return fmt::format("file system {:#x}", static_cast<std::uint32_t>(status.f_type));
}

/// Two descriptors of one file exclude each other, as two attempts at a run do.
std::optional<Finding> check_locks(const fs::path& file) {
  const FileDescriptor first(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  const FileDescriptor second(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (::flock(first.get(), LOCK_EX | LOCK_NB) != 0) {
    return Finding{Verdict::kFault, "locks", "refused: " + std::generic_category().message(errno),
                   "mount the file system with locks (Lustre: -o flock; NFS: without nolock, lockd running)"};
  }
  if (::flock(second.get(), LOCK_EX | LOCK_NB) == 0) {
    return Finding{Verdict::kFault, "locks", "two processes get the same lock",
                   "mount the file system with locks that hold (Lustre: -o flock, not localflock)"};
  }
  return std::nullopt;
}

/// Seconds that one megabyte takes to the disk, the median of some.
double seconds_to_disk(const fs::path& file) {
  const std::string megabyte(1 << 20, 'x');
  std::array<double, 5> seconds{};
  for (double& one : seconds) {
    const auto start = Clock::now();
    replace_file(file, megabyte);
    one = std::chrono::duration<double>(Clock::now() - start).count();
  }
  std::ranges::sort(seconds);
  return seconds[seconds.size() / 2];
}

/// What rank 0 can find out alone, in a folder of its own.
Findings check_alone(const fs::path& folder) {
  Findings findings;
  const fs::space_info space = fs::space(folder);
  Finding& room = findings.emplace_back(Finding{.topic = "run folders",
                                                .text = fmt::format("{} on {}, {} free", folder.parent_path().string(),
                                                                    file_system(folder), bytes_text(space.available))});
  constexpr std::uint64_t kLittle = 1'000'000'000;
  if (space.available < kLittle) {
    room.verdict = Verdict::kWarning;
    room.remedy = "a run keeps a dozen checkpoints, each of 12 bytes a parameter: make room";
  }
  const std::optional<Finding> locks = check_locks(folder / "lock");
  findings.push_back(locks.value_or(Finding{.topic = "locks", .text = "hold"}));
  const double seconds = seconds_to_disk(folder / "file");
  replace_link(folder / "link", "file");
  Finding& writes = findings.emplace_back(Finding{
      .topic = "writes",
      .text = fmt::format("files and links are replaced as a whole; {:.0f} ms for 1 MB to the disk", 1e3 * seconds)});
  if (seconds > 1) {
    writes.verdict = Verdict::kWarning;
    writes.remedy = "a slow disk: checkpoints take long, and a run that is told to stop waits for its last one";
  }
  return findings;
}

/// Whether this rank sees `mark` within some seconds: a file system of a network may tell late.
bool sees(const fs::path& file, const std::string& mark) {
  constexpr std::chrono::milliseconds kPatience(5000), kPause(20);
  for (const auto end = Clock::now() + kPatience; Clock::now() < end; std::this_thread::sleep_for(kPause)) {
    try {
      if (first_line(file) == mark) return true;
    } catch (const Error&) {  // not there yet, or not readable: then it never is
    }
  }
  return false;
}

}  // namespace

Findings check_shared_folder(const fs::path& folder, Communicator& control) {
  Findings findings;
  NewFolders made;
  std::string problem;
  const std::string place = on_root(control, [&] {
    const fs::path trial =
        fs::absolute(folder).lexically_normal() / fmt::format(".doctor-{}-{}", host_name(), ::getpid());
    try {
      made.make(trial);
      findings = check_alone(trial);
      replace_file(trial / "mark", trial.string() + "\n");
    } catch (const std::exception& error) {
      problem = error.what();
    }
    return trial.string();
  });
  if (!problem.empty()) {
    findings.push_back(
        {Verdict::kFault, "run folders", problem, "name a folder that can be written to with `run-dir`"});
  }
  problem = broadcast_string(control, problem, 0);
  const bool is_seen = !problem.empty() || sees(fs::path(place) / "mark", place);
  std::set<std::string> blind;  // hosts
  for (const std::string& host : gather_strings(control, is_seen ? "" : host_name())) {
    if (!host.empty()) blind.insert(host);
  }
  if (control.rank() != 0) return {};
  if (!blind.empty()) {
    findings.push_back({Verdict::kFault, "shared",
                        fmt::format("{} cannot see what rank 0 writes", fmt::join(blind, ", ")),
                        "put runs on a file system that all nodes share (`run-dir`)"});
  } else if (problem.empty() && control.size() > 1) {
    findings.push_back({Verdict::kGood, "shared", "every rank sees what rank 0 writes"});
  }
  std::error_code ignored;
  fs::remove_all(place, ignored);
  return findings;
}

}  // namespace charrnn
