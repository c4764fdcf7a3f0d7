#include "app/device_choice.hpp"

#include "base/error.hpp"
#ifdef CHARRNN_CUDA
#include "dist/cuda_runtime.hpp"
#endif

namespace charrnn {

#ifdef CHARRNN_CUDA

Device choose_device(const std::string& option, int local_rank, const Warn& note) {
  if (option == "cpu") return {};
  const int count = cuda_device_count();
  require<UsageError>(option != "cuda" || count > 0,
                      "--device cuda: no GPU is to be seen (no driver, or CUDA_VISIBLE_DEVICES hides them); "
                      "use --device cpu");
  if (count == 0) {
    note("no GPU is to be seen: computing on the CPU");
    return {};
  }
  require<UsageError>(local_rank < count,
                      "rank {} of this node has no GPU of its own, there are {}: start at most {} ranks a "
                      "node, or use --device cpu",
                      local_rank, count, count);
  select_cuda_device(local_rank);
  return {true, local_rank};
}

#else

Device choose_device(const std::string& option, int, const Warn&) {
  require<UsageError>(option != "cuda",
                      "--device cuda: this program was built without CUDA; build it with `cmake --preset "
                      "cuda`, or use --device cpu");
  return {};
}

#endif

}  // namespace charrnn
