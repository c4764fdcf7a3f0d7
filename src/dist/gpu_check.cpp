#include "dist/gpu_check.hpp"

#include <map>
#include <utility>

namespace charrnn {

void check_distinct_gpus(std::span<const RankGpu> gpus) {
  std::map<std::pair<std::string, std::string>, std::size_t> owner;
  for (std::size_t rank = 0; rank < gpus.size(); ++rank) {
    const auto [first, is_new] = owner.try_emplace({gpus[rank].host, gpus[rank].uuid}, rank);
    require<UsageError>(is_new,
                        "ranks {} and {} on {} share one GPU ({}), which NCCL does not allow: start one rank "
                        "for each GPU and let each see its own (srun --gpus-per-task=1, or one "
                        "CUDA_VISIBLE_DEVICES for all ranks of a node), or use `comm` mpi, which is slower",
                        first->second, rank, gpus[rank].host, gpus[rank].uuid);
  }
}

std::vector<RankGpu> gather_gpus(Communicator& control, const std::string& host, const std::string& uuid) {
  const std::vector<std::string> hosts = gather_strings(control, host), uuids = gather_strings(control, uuid);
  std::vector<RankGpu> gpus;
  for (std::size_t rank = 0; rank < hosts.size(); ++rank) gpus.push_back({hosts[rank], uuids[rank]});
  return gpus;
}

}  // namespace charrnn
