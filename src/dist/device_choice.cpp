#include "dist/device_choice.hpp"

#include "base/error.hpp"
#ifdef CHARRNN_CUDA
#include "dist/cuda_runtime.hpp"
#endif

namespace charrnn {

#ifdef CHARRNN_CUDA

Device choose_device(const std::string& option, int local_rank,
                     const std::function<void(const std::string&)>& note) {
  if (option == "cpu") return {};
  const int count = cuda_device_count();
  require_option(option != "cuda" || count > 0, "device",
                 "`device` cuda: no GPU is visible (no driver, or CUDA_VISIBLE_DEVICES hides them); use cpu");
  if (count == 0) {
    note("no GPU is visible: computing on the CPU");
    return {};
  }
  // A launcher may have given each rank a GPU of its own to see, which is then its only one. Two ranks on one
  // GPU are found where that matters: by check_distinct_gpus().
  const int index = local_rank % count;
  select_cuda_device(index);
  return {true, index};
}

#else

Device choose_device(const std::string& option, int /*local_rank*/,
                     const std::function<void(const std::string&)>& /*note*/) {
  require_option(
      option != "cuda", "device",
      "`device` cuda: this program was built without CUDA; build it with `cmake --preset cuda`, or use cpu");
  return {};
}

#endif

}  // namespace charrnn
