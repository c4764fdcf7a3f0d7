#include "train/threads.hpp"

#include "dist/topology.hpp"

namespace charrnn {

bool threads_decide_bits(const RunConfig& config) {
  return threads_decide_bits(config.model, config.run.engine);
}

Resources choose_threads(const RunConfig& config, const ReductionMode& mode, Communicator& control) {
  const std::vector<RankPlace> places = gather_places(control, place_here());
  const std::int64_t given = mode.threads(config.run.threads, threads_decide_bits(config));
  return {given > 0 ? static_cast<int>(given) : default_threads(places, control.rank()), count_hosts(places)};
}

}  // namespace charrnn
