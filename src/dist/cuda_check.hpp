// For what starts work on a GPU, kernels' files included. Only in the CUDA build.
#pragma once

namespace charrnn {

/// The Error of gpu_error() unless `status`, a cudaError_t, is success; `what` was tried.
void check_cuda(int status, const char* what);

/// Whether a device has come past an event (a cudaEvent_t). Never blocks. The Error of gpu_error() if it failed at `what`
/// or before.
bool cuda_event_has_passed(void* event, const char* what);

}  // namespace charrnn
