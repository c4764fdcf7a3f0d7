#include "doctor/machine.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include "base/control_groups.hpp"
#include "base/processor.hpp"
#include "base/text.hpp"
#include "base/thread_team.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMegabyte = 1'000'000, kGigabyte = 1'000'000'000;

std::uint64_t available_memory(const fs::path& root) {
  std::ifstream file(root / "proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view kKey = "MemAvailable:";
    if (line.starts_with(kKey)) return std::stoull(line.substr(kKey.size())) * 1024;
  }
  return kUnlimited;
}

/// The lowest limit of the control groups of this process; version 2 says "max" where there is none, version 1 a number
/// that no machine has.
std::uint64_t limit_of_groups(const fs::path& root) {
  std::uint64_t lowest = kUnlimited;
  for (const fs::path& group : control_groups("memory", root)) {
    for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
      std::uint64_t limit = kUnlimited;
      if (std::ifstream(group / name) >> limit) lowest = std::min(lowest, limit);
    }
  }
  return lowest;
}

}  // namespace

Findings check_cores(std::span<const RankPlace> places, int rank, const char* omp_num_threads) {
  const RankPlace& mine = places[static_cast<std::size_t>(rank)];
  std::set<int> cores;
  int ranks = 0;
  for (const RankPlace& place : places) {
    if (place.host != mine.host) continue;
    ++ranks;
    cores.insert(place.cores.begin(), place.cores.end());
  }
  const auto all = static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_ONLN));
  const std::optional<int> asked = threads_of_environment(omp_num_threads);
  const int threads = asked.value_or(default_threads(places, rank).threads);
  Findings findings;
  Finding& first = findings.emplace_back(
      Finding{.topic = "cores",
              .text = fmt::format("{} of {} for {} rank(s), {} thread(s) a rank{}; {}", cores.size(), all, ranks,
                                  threads, asked ? " (OMP_NUM_THREADS)" : "", processor_description())});
  if (static_cast<std::size_t>(ranks) > cores.size()) {
    first.verdict = Verdict::kWarning;
    first.remedy =
        "more ranks than cores take turns: start fewer, or let them use more cores (mpirun --bind-to none, "
        "srun --cpus-per-task)";
  } else if (asked && std::int64_t{ranks} * *asked > std::ssize(cores)) {
    first.verdict = Verdict::kWarning;
    first.remedy = "more threads than cores wait for each other: lower OMP_NUM_THREADS, or start fewer ranks";
  }
  if (std::isfinite(mine.quota.cores)) {
    const bool is_short = mine.quota.cores < ranks;
    findings.push_back(
        {is_short ? Verdict::kWarning : Verdict::kGood, "CPU quota",
         fmt::format("{:.3g} core(s) for this control group", mine.quota.cores),
         is_short ? "each rank gets less than a core: start fewer, or raise the container's CPU limit" : ""});
  }
  if (omp_num_threads != nullptr && !asked) {
    findings.push_back({Verdict::kWarning, "threads",
                        fmt::format("OMP_NUM_THREADS is '{}'", one_line(omp_num_threads, 40)),
                        fmt::format("it is ignored: set it to a number from 1 to {}, or unset it", kMostThreads)});
  }
  return findings;
}

Finding check_memory(int ranks, const fs::path& root) {
  const std::uint64_t available = available_memory(root), limit = limit_of_groups(root);
  const bool is_limited = limit < available;
  const std::uint64_t there = std::min(available, limit);
  Finding finding{.topic = "memory",
                  .text = there == kUnlimited
                              ? "unknown: /proc/meminfo cannot be read"
                              : fmt::format("{} {}", bytes_text(there),
                                            is_limited ? "allowed by this control group" : "available")};
  constexpr std::uint64_t kForRank = 300 * kMegabyte;  // of a small model; most of it is libraries' code
  if (there < kForRank * static_cast<std::uint64_t>(ranks)) {
    finding.verdict = Verdict::kWarning;
    finding.remedy = fmt::format("{} rank(s) need about {} before their models: start fewer, or free memory", ranks,
                                 bytes_text(kForRank * static_cast<std::uint64_t>(ranks)));
  }
  return finding;
}

Finding check_shared_memory(int ranks, const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || ::access(folder.c_str(), W_OK) != 0) {
    return {Verdict::kFault, folder.string(), "cannot be written to",
            "MPI needs it between the ranks of a node: mount a tmpfs there that everybody may write to"};
  }
  Finding finding{.topic = folder.string(), .text = bytes_text(space.available) + " free"};
  constexpr std::uint64_t kForRank = 16 * kMegabyte;  // Open MPI's segments of a rank, generously
  if (space.available < kForRank * static_cast<std::uint64_t>(ranks)) {
    finding.verdict = Verdict::kFault;
    finding.remedy =
        "too little for the ranks of this node, which die by SIGBUS when it is full: raise it (docker run "
        "--shm-size 1g, mount -o remount,size=1g), or remove what is left there";
  }
  return finding;
}

Finding check_temporary_folder() {
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  const fs::space_info space = error ? fs::space_info{} : fs::space(folder, error);
  const std::string topic = "temporary files";
  if (error || ::access(folder.c_str(), W_OK) != 0) {
    return {Verdict::kFault, topic, fmt::format("'{}' cannot be written to", folder.string()),
            "set TMPDIR to a folder on a local disk"};
  }
  Finding finding{.topic = topic, .text = fmt::format("{} free in '{}'", bytes_text(space.available), folder.string())};
  if (space.available < kGigabyte) {
    finding.verdict = Verdict::kWarning;
    finding.remedy = "a text takes a byte a character there: set TMPDIR to a local disk with more room";
  }
  return finding;
}

Finding check_limits() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const bool is_unlimited = files.rlim_cur == RLIM_INFINITY;
  Finding finding{.topic = "open files",
                  .text = is_unlimited
                              ? "no limit"
                              : fmt::format("{} a process", with_commas(static_cast<std::int64_t>(files.rlim_cur)))};
  constexpr rlim_t kFew = 256;
  if (!is_unlimited && files.rlim_cur < kFew) {
    finding.verdict = Verdict::kWarning;
    finding.remedy = "MPI opens connections and libraries: raise it (ulimit -n 1024)";
  }
  return finding;
}

}  // namespace charrnn
