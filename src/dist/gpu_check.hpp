// Two ranks on one GPU: NCCL refuses that with a message that helps nobody, so the program looks first.
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

/// UsageError that names the first two ranks with the same GPU of the same host, and says how to mend it.
void check_distinct_gpus(std::span<const RankGpu> gpus);

/// Everyone's GPU, by rank, on every rank. Collective.
std::vector<RankGpu> gather_gpus(Communicator& control, const std::string& host, const std::string& uuid);

}  // namespace charrnn
