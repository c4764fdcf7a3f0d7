#include "dist/topology.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "base/host.hpp"

namespace charrnn {

RankPlace place_here() {
  RankPlace place;
  place.host = host_name();
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
  for (const std::string& text :
       gather_strings(control, fmt::format("{} {}", mine.host, fmt::join(mine.cores, " ")))) {
    RankPlace place;
    std::istringstream words(text);
    words >> place.host;
    for (int core = 0; words >> core;) place.cores.push_back(core);
    places.push_back(std::move(place));
  }
  return places;
}

int default_threads(std::span<const RankPlace> places, int rank) {
  const RankPlace& mine = places[static_cast<std::size_t>(rank)];
  double share = 0;
  for (const int core : mine.cores) {
    const auto users = std::count_if(places.begin(), places.end(), [&](const RankPlace& place) {
      return place.host == mine.host &&
             std::find(place.cores.begin(), place.cores.end(), core) != place.cores.end();
    });
    share += 1 / static_cast<double>(users);
  }
  constexpr double kRounding = 1e-9;  // three thirds make a core
  return std::max(1, static_cast<int>(std::floor(share + kRounding)));
}

int count_hosts(std::span<const RankPlace> places) {
  std::set<std::string> hosts;
  for (const RankPlace& place : places) hosts.insert(place.host);
  return static_cast<int>(hosts.size());
}

}  // namespace charrnn
