// How the ranks share the machines.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cpu_quota.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

/// What one rank tells the others: its host, the cores it may run on (by number on that host), and how much of them.
struct RankPlace {
  std::string host;
  std::vector<int> cores;
  CpuQuota quota = {};
};

/// How many threads a rank computes with.
struct ThreadChoice {
  int threads = 1;
  std::string reason;  ///< empty where it was asked for, or is the rank's plain share of the cores
};

/// This process's place.
RankPlace place_here();

/// Everyone's place, by rank. Collective.
std::vector<RankPlace> gather_places(Communicator& control, const RankPlace& mine);

/// Threads that rank `rank` should use: the sum over the cores it may run on, each divided by the number of ranks on
/// its host that may use it; no more than its share of a quota; rounded down, at least 1.
ThreadChoice default_threads(std::span<const RankPlace> places, int rank);

/// What OMP_NUM_THREADS asks for: its value, of a list "4,2" the first. Nothing if it is unset (null) or no number
/// from 1 to kMostThreads.
std::optional<int> threads_of_environment(const char* omp_num_threads);

/// Threads for a process that works alone: those of OMP_NUM_THREADS, or as many as it may use cores.
int threads_alone();

/// A warning if the ranks of some host have more threads than cores between them, by rank; else empty.
std::string oversubscription(std::span<const RankPlace> places, std::span<const int> threads);

/// Which ranks are on which host: "n1 (ranks 0-7), n2 (ranks 8-15)". Of many hosts the first ones and the last.
std::string ranks_of_hosts(std::span<const RankPlace> places);

/// Different hosts among the places.
int count_hosts(std::span<const RankPlace> places);

}  // namespace charrnn
