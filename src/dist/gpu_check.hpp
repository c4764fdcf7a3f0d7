// Finds two ranks on one GPU before NCCL does, whose message does not say what is wrong.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "dist/communicator.hpp"

namespace charrnn {

/// The GPU of one rank; the rank is its place in the list.
struct RankGpu {
  std::string host;
  std::string uuid;
  bool operator==(const RankGpu&) const = default;
};

/// UsageError that names the first two ranks with the same GPU of the same host, and says how to fix it.
void check_distinct_gpus(std::span<const RankGpu> gpus);

/// Everyone's GPU, by rank, on every rank. Collective.
std::vector<RankGpu> gather_gpus(Communicator& control, const std::string& host, const std::string& uuid);

}  // namespace charrnn
