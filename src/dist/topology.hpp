// How the ranks share the machines.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "dist/communicator.hpp"

namespace charrnn {

/// What one rank tells the others: its host, and the cores it may run on (by number on that host).
struct RankPlace {
  std::string host;
  std::vector<int> cores;
};

/// This process's place.
RankPlace place_here();

/// Everyone's place, by rank. Collective.
std::vector<RankPlace> gather_places(Communicator& control, const RankPlace& mine);

/// Threads that rank `rank` should use: the sum over the cores it may run on, each divided by the number of ranks on its
/// host that may use it; rounded down, at least 1.
int default_threads(std::span<const RankPlace> places, int rank);

/// Different hosts among the places.
int count_hosts(std::span<const RankPlace> places);

}  // namespace charrnn
