#include "models/step_graph.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>

namespace charrnn {

struct StepGraph::Recording {
  at::cuda::CUDAGraph graph;
};

StepGraph::StepGraph() = default;
StepGraph::~StepGraph() = default;

void StepGraph::run(const std::function<void()>& enqueue) {
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  if (!ran_) {
    enqueue();
    ran_ = true;
  } else {
    if (!recording_) {
      // Graphs run one after the other and leave nothing in memory of their own: they can share it.
      static const at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
      stream.synchronize();
      auto recording = std::make_unique<Recording>();
      const c10::cuda::CUDAStreamGuard guard(
          c10::cuda::getStreamFromPool());  // the default one cannot record
      recording->graph.capture_begin(pool);
      enqueue();
      recording->graph.capture_end();
      recording_ = std::move(recording);
    }
    recording_->graph.replay();
  }
  stream.synchronize();
}

}  // namespace charrnn
