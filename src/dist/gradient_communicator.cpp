// What sums the gradients of an MPI job's ranks.
#include <array>

#include "base/error.hpp"
#include "base/host.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/node_communicator.hpp"
#ifdef CHARRNN_CUDA
#include "dist/agreement.hpp"
#include "dist/cuda_runtime.hpp"
#include "dist/gpu_check.hpp"
#include "dist/host_staged_communicator.hpp"
#include "dist/nccl_communicator.hpp"
#endif

namespace charrnn {

namespace {

/// In host memory; of any kind but mpi also through memory that ranks share.
std::unique_ptr<Communicator> make_on_host(const std::string& kind, const MpiSession& session, Communicator& control,
                                           Seconds timeout, const Warn& warn) {
  std::unique_ptr<Communicator> made;
  if (kind == "mpi") {
    made = std::make_unique<MpiCommunicator>(session, timeout);
  } else {
    made = std::make_unique<NodeCommunicator>(session, timeout, warn);
  }
  made->set_roll_call(control.roll_call());
  return made;
}

}  // namespace

#ifdef CHARRNN_CUDA

namespace {

/// With `device` auto a node without a driver would compute, and wait, in another way than the rest.
void check_same_kind(Device device, Communicator& control) {
  std::array<double, 1> with_gpu{device.cuda ? 1.0 : 0.0};
  control.all_reduce_sum(with_gpu);
  const int count = static_cast<int>(with_gpu[0]);
  require<UsageError>(count == 0 || count == control.size(),
                      "only {} of {} ranks see a GPU: fix the nodes without one, or use `device` cpu on all", count,
                      control.size());
}

std::unique_ptr<Communicator> make_nccl(Device device, Communicator& control, Seconds timeout, const Warn& warn) {
  RankGpu mine{host_name(), "", "", cuda_device_count()};
  together(control, [&] {
    mine.uuid = cuda_device_uuid(device.index);
    mine.bus = cuda_device_bus(device.index);
  });
  const std::vector<RankGpu> gpus = gather_gpus(control, mine);
  check_distinct_gpus(gpus);
  if (const std::string warning = hidden_neighbours(gpus); !warning.empty()) warn(warning);
  return std::make_unique<NcclCommunicator>(control, make_cuda_stream_events(), make_cuda_memory(), timeout);
}

}  // namespace

std::unique_ptr<Communicator> MpiCommunicator::make_gradient_communicator(const std::string& kind, Device device,
                                                                          Seconds timeout, const Warn& warn) {
  check_same_kind(device, *this);
  require_option(kind != "nccl" || device.cuda, "comm",
                 "`comm` nccl: NCCL works between GPUs, and this run computes on the CPU (`device`); use mpi or auto");
  if (device.cuda && kind != "mpi") return make_nccl(device, *this, timeout, warn);
  std::unique_ptr<Communicator> on_host = make_on_host(kind, session_, *this, timeout, warn);
  if (!device.cuda) return on_host;
  // The gradients lie where MPI cannot read them.
  return std::make_unique<HostStagedCommunicator>(std::move(on_host), make_cuda_memory(), timeout);
}

#else

std::unique_ptr<Communicator> MpiCommunicator::make_gradient_communicator(const std::string& kind, Device /*device*/,
                                                                          Seconds timeout, const Warn& warn) {
  require_option(
      kind != "nccl", "comm",
      "`comm` nccl: this program was built without CUDA; build it with `cmake --preset cuda`, or use mpi or auto");
  return make_on_host(kind, session_, *this, timeout, warn);
}

#endif

}  // namespace charrnn
