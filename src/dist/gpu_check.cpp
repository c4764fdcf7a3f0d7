#include "dist/gpu_check.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace charrnn {

void check_distinct_gpus(std::span<const RankGpu> gpus) {
  std::map<std::pair<std::string, std::string>, std::size_t> owner;
  for (std::size_t rank = 0; rank < gpus.size(); ++rank) {
    const RankGpu& gpu = gpus[rank];
    const std::size_t first = owner.try_emplace({gpu.host, gpu.bus}, rank).first->second;
    require<UsageError>(first == rank || gpus[first].uuid == gpu.uuid,
                        "ranks {} and {} on {} compute on slices (MIG) of one GPU ({}), between which NCCL does not "
                        "work: use slices of different GPUs, or `comm` mpi, which is slower",
                        first, rank, gpu.host, gpu.bus);
    require<UsageError>(first == rank,
                        "ranks {} and {} on {} share one GPU ({}), which NCCL does not allow: start one rank for each "
                        "GPU, and let every rank see all GPUs of its node (srun --gpus-per-node N --gpu-bind none), or "
                        "use `comm` mpi, which is slower",
                        first, rank, gpu.host, gpu.uuid);
  }
}

std::string hidden_neighbours(std::span<const RankGpu> gpus) {
  std::map<std::string, int> alone;
  for (const RankGpu& gpu : gpus) {
    if (gpu.visible == 1 && ++alone[gpu.host] == 2) {
      return fmt::format(
          "ranks on {} see one GPU each, so that NCCL cannot find NVLink between them and goes through the host: let every "
          "rank see all GPUs of its node (srun --gpus-per-node N --gpu-bind none, and not --gpus-per-task)",
          gpu.host);
    }
  }
  return "";
}

std::vector<RankGpu> gather_gpus(Communicator& control, const RankGpu& mine) {
  const std::vector<std::string> hosts = gather_strings(control, mine.host), uuids = gather_strings(control, mine.uuid),
                                 buses = gather_strings(control, mine.bus);
  std::vector<double> visible(hosts.size());
  visible[static_cast<std::size_t>(control.rank())] = mine.visible;
  control.all_reduce_sum(visible);
  std::vector<RankGpu> gpus;
  for (std::size_t rank = 0; rank < hosts.size(); ++rank) {
    gpus.push_back({hosts[rank], uuids[rank], buses[rank], static_cast<int>(visible[rank])});
  }
  return gpus;
}

}  // namespace charrnn
