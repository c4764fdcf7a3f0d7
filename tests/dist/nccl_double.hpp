// A stand-in for libnccl and the GPU: the same symbols, linked into a test so that they pre-empt the
// library's, working on host memory through a file that all ranks map: in /dev/shm, or, for ranks whose /dev/shm is not the
// same, in the folder that NCCL_DOUBLE_FOLDER names.
//
// Like the real ones: collectives are work in a stream, which a thread of its own does later and in order; init, and the first
// collective of a kind and size, hang until all ranks that it needs are there; a thread has a current device of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "dist/device_memory.hpp"
#include "dist/stream_events.hpp"

namespace charrnn::test {

enum class NcclFault {
  kNone,
  kInitRefused,     ///< init returns an error
  kInitHangs,       ///< init never returns
  kInitFails,       ///< init returns an error, and a communicator that has to be aborted
  kEnqueueRefused,  ///< collectives return an error
  kEnqueueHangs,    ///< those that connect ranks never return
  kHang,            ///< collectives come to the stream and never end
  kAsyncError,      ///< collectives end in an asynchronous error
  kDeviceError,     ///< the stream fails
};

/// The double of this process. Tests set the first three and read the others.
struct NcclDouble {
  std::atomic<NcclFault> fault = NcclFault::kNone;
  std::atomic<bool> abort_hangs = false;
  int version = 0;  ///< 0: the one it was built with
  std::atomic<int> aborts = 0;
  std::atomic<int> live = 0;            ///< communicators neither destroyed nor aborted
  std::atomic<int> launches = 0;        ///< groups that came to the stream
  std::atomic<int> aborts_under = 0;    ///< those of a communicator that a thread hung in
  std::atomic<int> without_device = 0;  ///< calls from threads on which make_current() was not called
};
NcclDouble& nccl_double();

/// Of this process's default stream.
std::unique_ptr<StreamEvents> make_double_stream_events();

/// Copies wait for the default stream.
std::unique_ptr<DeviceMemory> make_double_memory();

/// Puts work into the default stream.
void queue_on_double(std::function<void()> work);
/// An event where the default stream ends now.
void* moment_of_double();

}  // namespace charrnn::test
