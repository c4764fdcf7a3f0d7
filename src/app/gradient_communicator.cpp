#include "app/gradient_communicator.hpp"

#include <array>

#include "base/error.hpp"
#ifdef CHARRNN_CUDA
#include "base/host.hpp"
#include "dist/agreement.hpp"
#include "dist/cuda_runtime.hpp"
#include "dist/gpu_check.hpp"
#include "dist/host_staged_communicator.hpp"
#include "dist/nccl_communicator.hpp"
#endif

namespace charrnn {

#ifdef CHARRNN_CUDA

namespace {

/// With --device auto a node without a driver would compute, and wait, in another way than the rest.
void check_same_kind(Device device, Communicator& control) {
  std::array<double, 1> with_gpu{device.cuda ? 1.0 : 0.0};
  control.all_reduce_sum(with_gpu);
  const int count = static_cast<int>(with_gpu[0]);
  require<UsageError>(count == 0 || count == control.size(),
                      "only {} of {} ranks see a GPU: mend the nodes without, or use --device cpu on all",
                      count, control.size());
}

std::unique_ptr<Communicator> make_nccl(Device device, Job& job, Seconds timeout) {
  std::string uuid;
  together(job.control, [&] { uuid = cuda_device_uuid(device.index); });
  check_distinct_gpus(gather_gpus(job.control, host_name(), uuid));
  return std::make_unique<NcclCommunicator>(job.control, make_cuda_stream_events(), make_cuda_memory(),
                                            timeout);
}

}  // namespace

GradientCommunicator::GradientCommunicator(const std::string& option, Device device, Job& job,
                                           Seconds timeout) {
  check_same_kind(device, job.control);
  require<UsageError>(
      option != "nccl" || device.cuda,
      "--comm nccl: NCCL works between GPUs, and this run computes on the CPU (--device); use "
      "--comm mpi or auto");
  if (device.cuda && option != "mpi") {
    communicator_ = make_nccl(device, job, timeout);
    return;
  }
  communicator_ = std::make_unique<MpiCommunicator>(job.mpi, timeout);
  if (device.cuda) {  // the gradients lie where MPI cannot read them
    communicator_ =
        std::make_unique<HostStagedCommunicator>(std::move(communicator_), make_cuda_memory(), timeout);
  }
}

#else

GradientCommunicator::GradientCommunicator(const std::string& option, Device, Job& job, Seconds timeout) {
  require<UsageError>(
      option != "nccl",
      "--comm nccl: this program was built without CUDA; build it with `cmake --preset cuda`, or "
      "use --comm mpi or auto");
  communicator_ = std::make_unique<MpiCommunicator>(job.mpi, timeout);
}

#endif

}  // namespace charrnn
