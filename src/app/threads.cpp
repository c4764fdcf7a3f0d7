#include "app/threads.hpp"

#include "dist/topology.hpp"
#include "models/torch_runtime.hpp"

namespace charrnn {

Resources choose_threads(std::int64_t option, Job& job) {
  const std::vector<RankPlace> places = gather_places(job.control, place_here());
  const int threads = option > 0 ? static_cast<int>(option) : default_threads(places, job.mpi.rank());
  configure_torch(threads);
  return {threads, count_hosts(places)};
}

}  // namespace charrnn
