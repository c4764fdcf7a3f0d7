// A stand-in for libnccl and the GPU: the same symbols, linked into a test so that they pre-empt the
// library's, working on host memory through POSIX shared memory between the ranks of one machine. Like a
// non-blocking NCCL it answers every call with ncclInProgress first, and moves data only while somebody asks
// how far it is.
#pragma once

#include <atomic>
#include <memory>

#include "dist/stream_events.hpp"

namespace charrnn::test {

enum class NcclFault {
  kNone,
  kInitRefused,     ///< init returns an error at once
  kInitNeverEnds,   ///< init stays in progress
  kInitAsyncError,  ///< init fails later
  kEnqueueRefused,  ///< collectives return an error at once
  kNeverEnqueued,   ///< collectives stay in progress and never come to the stream
  kHang,            ///< collectives come to the stream and never end
  kAsyncError,      ///< collectives end in an asynchronous error
  kDeviceError,     ///< the stream fails
};

/// The double of this process. Tests set the first three and read the others.
struct NcclDouble {
  NcclFault fault = NcclFault::kNone;
  bool abort_hangs = false;
  int version = 0;              ///< 0: the one it was built with
  std::atomic<int> aborts = 0;  // atomic: counted by the thread that aborts
  int live = 0;                 ///< communicators neither destroyed nor aborted
  int too_early = 0;            ///< marks set while a collective was not on the stream yet
};
NcclDouble& nccl_double();

std::unique_ptr<StreamEvents> make_double_stream_events();

}  // namespace charrnn::test
