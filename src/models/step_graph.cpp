#include "models/step_graph.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>

namespace charrnn {

struct StepRecorder::Parts {
  at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
  // The default one cannot record; always the same, since memory is used again on the stream that it was on.
  c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool();
};

StepRecorder::StepRecorder() : parts_(std::make_unique<Parts>()) {}
StepRecorder::~StepRecorder() = default;

struct StepGraph::Recording {
  at::cuda::CUDAGraph graph;
};

StepGraph::StepGraph() = default;
StepGraph::~StepGraph() = default;

void StepGraph::run(StepRecorder& recorder, const std::function<void()>& enqueue) {
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  if (!ran_) {
    enqueue();
    ran_ = true;
  } else {
    if (!recording_) {
      stream.synchronize();
      auto recording = std::make_unique<Recording>();
      const c10::cuda::CUDAStreamGuard guard(recorder.parts_->stream);
      recording->graph.capture_begin(recorder.parts_->pool);
      try {
        enqueue();
      } catch (...) {
        try {
          recording->graph.capture_end();  // or the GPU refuses all that follows
        } catch (const c10::Error&) {      // the first error is the one to tell
        }
        throw;
      }
      recording->graph.capture_end();
      recording_ = std::move(recording);
    }
    recording_->graph.replay();
  }
  stream.synchronize();
}

}  // namespace charrnn
