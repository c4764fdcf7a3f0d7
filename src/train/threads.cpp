#include "train/threads.hpp"

#include "dist/topology.hpp"
#include "models/torch_runtime.hpp"

namespace charrnn {

bool threads_decide_bits(const RunConfig& config) {
  return config.run.engine == "torch" || !can_run_natively(config.model);
}

Resources choose_threads(const RunConfig& config, const ReductionMode& mode, Communicator& control) {
  const std::vector<RankPlace> places = gather_places(control, place_here());
  const std::int64_t given = mode.threads(config.run.threads, threads_decide_bits(config));
  return {given > 0 ? static_cast<int>(given) : default_threads(places, control.rank()), count_hosts(places)};
}

void give_threads(int threads, const ModelConfig& model, bool reproducible, const Compute& compute) {
  const bool native = runs_natively(model, compute);
  // Not both: OpenMP's threads spin for a while after their work, on the cores that the team's would need.
  compute.team.resize(native ? threads : 1);
  // On GPUs in every mode: else LibTorch adds up large windows' embeddings in any order, and NVSwitches the
  // gradients, and a resume would not go on bit for bit.
  configure_torch(native ? 1 : threads, reproducible || compute.device.cuda);
}

}  // namespace charrnn
