#include "app/threads.hpp"

#include <sched.h>

#include <algorithm>

#include "models/torch_runtime.hpp"

namespace charrnn {

int choose_threads(std::int64_t option, Job& job) {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  const int threads =
      option > 0 ? static_cast<int>(option) : std::max(1, CPU_COUNT(&set) / job.mpi.local_size());
  set_torch_threads(threads);
  return threads;
}

}  // namespace charrnn
