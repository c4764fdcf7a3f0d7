#include <cuda_runtime_api.h>

#include <algorithm>

#include "dist/cuda_check.hpp"
#include "models/cuda/recurrence.hpp"
#include "models/cuda/recurrence_kernels.hpp"

namespace charrnn {

namespace {

void check(cudaError_t status) {
  check_cuda(status, "recurrent kernel");
}

std::int64_t multiprocessors() {
  int device = 0, count = 0;
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return count;
}

/// With as many groups of columns as there is room for. A cooperative launch: all CTAs run at the same time or none.
template <class Work>
void launch(const void* kernel, std::int64_t shared_bytes, Work work, void* stream) {
  const std::int64_t ctas = work.shape.hidden / kRecurrenceTile;
  const std::int64_t groups =
      std::clamp<std::int64_t>(multiprocessors() / ctas, 1, work.shape.columns / kRecurrenceTile);
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)));
  void* arguments[] = {&work};
  check(cudaLaunchCooperativeKernel(kernel, dim3(static_cast<unsigned>(ctas), static_cast<unsigned>(groups)),
                                    dim3(kThreads), arguments, static_cast<std::size_t>(shared_bytes),
                                    static_cast<cudaStream_t>(stream)));
}

}  // namespace

void enqueue_recurrence(RecurrentCell cell, const RecurrenceForward& work, void* stream) {
  launch(forward_kernel(cell), forward_bytes(cell, work.shape.hidden), work, stream);
}

void enqueue_recurrence(RecurrentCell cell, const RecurrenceBackward& work, void* stream) {
  launch(backward_kernel(cell), backward_bytes(cell, work.shape.hidden), work, stream);
}

}  // namespace charrnn
