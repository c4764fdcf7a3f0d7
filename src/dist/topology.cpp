#include "dist/topology.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/host.hpp"
#include "base/text.hpp"
#include "base/thread_team.hpp"

namespace charrnn {

namespace {

bool may_use(const RankPlace& place, int core) {
  return std::ranges::find(place.cores, core) != place.cores.end();
}

}  // namespace

RankPlace place_here() {
  RankPlace place;
  place.host = host_name();
  place.quota = cpu_quota();
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) place.cores.push_back(core);
    }
  }
  return place;
}

std::vector<RankPlace> gather_places(Communicator& control, const RankPlace& mine) {
  std::vector<RankPlace> places;
  const bool is_limited = std::isfinite(mine.quota.cores);
  const std::string told = fmt::format("{} {} {} {}", mine.host, is_limited ? mine.quota.cores : 0,
                                       is_limited ? mine.quota.group : "-", fmt::join(mine.cores, " "));
  for (const std::string& text : gather_strings(control, told)) {
    RankPlace place;
    std::istringstream words(text);
    double quota = 0;
    words >> place.host >> quota >> place.quota.group;
    if (quota > 0) place.quota.cores = quota;
    for (int core = 0; words >> core;) place.cores.push_back(core);
    places.push_back(std::move(place));
  }
  return places;
}

ThreadChoice default_threads(std::span<const RankPlace> places, int rank) {
  const RankPlace& mine = places[static_cast<std::size_t>(rank)];
  const auto neighbours = [&](const auto& share) {
    return static_cast<double>(
        std::ranges::count_if(places, [&](const RankPlace& place) { return place.host == mine.host && share(place); }));
  };
  double share = 0;
  for (const int core : mine.cores) {
    share += 1 / neighbours([&](const RankPlace& place) { return may_use(place, core); });
  }
  const double allowed =
      mine.quota.cores / neighbours([&](const RankPlace& place) { return place.quota.group == mine.quota.group; });
  constexpr double kRounding = 1e-9;  // three thirds make a core
  const auto whole = [](double cores) { return std::max(1, static_cast<int>(std::floor(cores + kRounding))); };
  if (allowed >= share || whole(allowed) == whole(share)) return {whole(share), ""};
  return {whole(allowed), fmt::format("a CPU quota of {:.3g} core(s)", mine.quota.cores)};
}

std::optional<int> threads_of_environment(const char* omp_num_threads) {
  if (omp_num_threads == nullptr) return std::nullopt;
  std::string_view first = omp_num_threads;
  first = first.substr(0, first.find(','));
  while (first.starts_with(' ')) first.remove_prefix(1);
  while (first.ends_with(' ')) first.remove_suffix(1);
  const std::optional<int> threads = number_in<int>(first);
  return threads && *threads > 0 && *threads <= kMostThreads ? threads : std::nullopt;
}

int threads_alone() {
  const std::array places{place_here()};
  return threads_of_environment(std::getenv("OMP_NUM_THREADS")).value_or(default_threads(places, 0).threads);
}

std::string oversubscription(std::span<const RankPlace> places, std::span<const int> threads) {
  std::map<std::string, std::pair<int, std::set<int>>> hosts;  // threads, cores
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    auto& [count, cores] = hosts[places[rank].host];
    count += threads[rank];
    cores.insert(places[rank].cores.begin(), places[rank].cores.end());
  }
  for (const auto& [host, use] : hosts) {
    const auto& [count, cores] = use;
    if (cores.empty() || count <= std::ssize(cores)) continue;
    return fmt::format(
        "{} threads share {} core(s) of {} and wait for each other, which can be many times slower: lower `threads`, or "
        "start fewer ranks",
        count, cores.size(), host);
  }
  return "";
}

std::string ranks_of_hosts(std::span<const RankPlace> places) {
  std::vector<std::pair<std::string, std::string>> hosts;  // in the order of their first ranks; with "0-3, 8"
  for (std::size_t rank = 0; rank < places.size();) {
    const std::string& host = places[rank].host;
    const std::size_t first = rank;
    while (rank < places.size() && places[rank].host == host) ++rank;
    auto known = std::ranges::find(hosts, host, &std::pair<std::string, std::string>::first);
    if (known == hosts.end()) known = hosts.insert(known, {host, ""});
    known->second += fmt::format("{}{}", known->second.empty() ? "" : ", ", first);
    if (rank - first > 1) known->second += fmt::format("-{}", rank - 1);
  }
  constexpr std::size_t kMost = 8;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto& [host, ranks] = hosts[i];
    const bool is_one = ranks.find_first_not_of("0123456789") == std::string::npos;
    if (i < kMost - 2 || hosts.size() <= kMost || i + 1 == hosts.size()) {
      texts.push_back(fmt::format("{} (rank{} {})", host, is_one ? "" : "s", ranks));
    } else if (i == kMost - 2) {
      texts.emplace_back("…");
    }
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

int count_hosts(std::span<const RankPlace> places) {
  std::set<std::string> hosts;
  for (const RankPlace& place : places) hosts.insert(place.host);
  return static_cast<int>(hosts.size());
}

}  // namespace charrnn
