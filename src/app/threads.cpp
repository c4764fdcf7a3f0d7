#include "app/threads.hpp"

#include "dist/topology.hpp"

namespace charrnn {

bool threads_decide_bits(const RunConfig& config) {
  return threads_decide_bits(config.model, config.run.engine);
}

std::int64_t threads_of(const RunConfig& config) {
  const RunOptions& run = config.run;
  return run.reproducible && run.threads == 0 && threads_decide_bits(config) ? 1 : run.threads;
}

Resources choose_threads(const RunConfig& config, Job& job) {
  const std::vector<RankPlace> places = gather_places(job.control, place_here());
  const std::int64_t given = threads_of(config);
  const int threads = given > 0 ? static_cast<int>(given) : default_threads(places, job.mpi.rank());
  return {threads, count_hosts(places)};
}

}  // namespace charrnn
