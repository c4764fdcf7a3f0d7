#include "models/torch/torch_dropout.hpp"

#include <ATen/Parallel.h>

#include <utility>

#include "models/dropout.hpp"
#include "models/flat_tensor.hpp"
#ifdef CHARRNN_CUDA
#include <c10/cuda/CUDAStream.h>

#include "models/torch/gpu_dropout.hpp"
#endif

namespace charrnn {

TorchDropout::TorchDropout(const ModelConfig& config, const std::optional<DropoutKey>& key,
                           at::TensorOptions options)
    : config_(config), key_(key), options_(options) {}

TorchDropout::TorchDropout(const ModelConfig& config, at::Tensor key_on_gpu, at::TensorOptions options)
    : config_(config), key_on_gpu_(std::move(key_on_gpu)), options_(options) {}

at::Tensor TorchDropout::of_input(const at::Tensor& x) const {
  return drop(x, kInputMask, config_.dropout_input);
}

at::Tensor TorchDropout::of_outputs(const at::Tensor& x, std::int64_t layer) const {
  return drop(x, layer, layer + 1 < config_.layers ? config_.dropout : config_.dropout_output);
}

at::Tensor TorchDropout::of_weights(const at::Tensor& weights, std::int64_t layer) const {
  if (!is_on() || config_.weight_dropout == 0) return weights;
  const at::Tensor mask = at::empty(weights.sizes(), options_);
#ifdef CHARRNN_CUDA
  if (key_on_gpu_.defined()) {
    enqueue_weight_mask(key_on_gpu_.data_ptr<std::int64_t>(), layer, config_.weight_dropout, span_of(mask),
                        c10::cuda::getCurrentCUDAStream().stream());
    return weights * mask;
  }
#endif
  constexpr std::int64_t kGrain = 1024;
  at::parallel_for(0, (mask.numel() + kDrawsPerBlock - 1) / kDrawsPerBlock, kGrain,
                   [&](std::int64_t first, std::int64_t last) {
                     fill_weight_mask(*key_, layer, config_.weight_dropout, first, last, span_of(mask));
                   });
  return weights * mask;
}

at::Tensor TorchDropout::drop(const at::Tensor& x, std::int64_t layer, double p) const {
  if (!is_on() || p == 0) return x;
  const std::int64_t length = config_.locked_dropout ? 1 : x.size(0);
  const std::int64_t columns = x.size(1), units = x.size(2);
  const at::Tensor mask = at::empty({length, columns, units}, options_);
#ifdef CHARRNN_CUDA
  if (key_on_gpu_.defined()) {
    enqueue_dropout_mask(key_on_gpu_.data_ptr<std::int64_t>(), layer, p, columns, units, span_of(mask),
                         c10::cuda::getCurrentCUDAStream().stream());
    return x * mask;
  }
#endif
  at::parallel_for(0, columns, 1, [&](std::int64_t first, std::int64_t last) {
    fill_dropout_mask(*key_, layer, p, length, columns, units, first, last, span_of(mask));
  });
  return x * mask;
}

}  // namespace charrnn
