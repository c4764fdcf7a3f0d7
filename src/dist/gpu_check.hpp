// What keeps NCCL from working between the ranks' GPUs, or from working well: found here because its own messages do not say
// what is wrong.
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
  std::string bus;  ///< "0000:65:00.0"; the slices that MIG makes of a GPU have it in common
  int visible = 1;  ///< GPUs that the rank sees
  bool operator==(const RankGpu&) const = default;
};

/// UsageError that names the first two ranks with the same GPU of the same host, or with slices of it, and says how to fix
/// it.
void check_distinct_gpus(std::span<const RankGpu> gpus);

/// A warning if several ranks of a host see no GPU but their own, by which NCCL loses NVLink between them (NVIDIA/nccl#1066);
/// else empty.
std::string hidden_neighbours(std::span<const RankGpu> gpus);

/// Everyone's GPU, by rank, on every rank. Collective.
std::vector<RankGpu> gather_gpus(Communicator& control, const RankGpu& mine);

}  // namespace charrnn
