#include "models/torch_dropout.hpp"

#include <ATen/Parallel.h>

#include <utility>

#include "models/dropout.hpp"
#include "models/flat_tensor.hpp"

namespace charrnn {

at::Tensor TorchDropout::of_input(const at::Tensor& x) const {
  return drop(x, kInputMask, config_.dropout_input);
}

at::Tensor TorchDropout::of_outputs(const at::Tensor& x, std::int64_t layer) const {
  return drop(x, layer, layer + 1 < config_.layers ? config_.dropout : config_.dropout_output);
}

at::Tensor TorchDropout::of_weights(const at::Tensor& weights, std::int64_t layer) const {
  const double p = config_.weight_dropout;
  if (!key_ || p == 0) return weights;
  const auto fill = [layer, p](const DropoutKey& key, const at::Tensor& host) {
    constexpr std::int64_t kBlock = 8, kGrain = 1024;
    at::parallel_for(0, (host.numel() + kBlock - 1) / kBlock, kGrain,
                     [&](std::int64_t first, std::int64_t last) {
                       fill_weight_mask(key, layer, p, first, last, span_of(host));
                     });
  };
  return weights * mask({true, layer}, weights.sizes(), fill);
}

at::Tensor TorchDropout::drop(const at::Tensor& x, std::int64_t layer, double p) const {
  if (!key_ || p == 0) return x;
  const std::int64_t length = config_.locked_dropout ? 1 : x.size(0);
  const std::int64_t columns = x.size(1), units = x.size(2);
  const auto fill = [=](const DropoutKey& key, const at::Tensor& host) {
    at::parallel_for(0, columns, 1, [&](std::int64_t first, std::int64_t last) {
      fill_dropout_mask(key, layer, p, length, columns, units, first, last, span_of(host));
    });
  };
  return x * mask({false, layer}, {length, columns, units}, fill);
}

const at::Tensor& TorchDropout::mask(std::pair<bool, std::int64_t> of, at::IntArrayRef sizes,
                                     std::function<void(const DropoutKey&, const at::Tensor&)> fill) const {
  const bool on_gpu = options_.device().is_cuda();
  const auto [found, is_new] = masks_.try_emplace(of);
  Mask& mask = found->second;
  if (is_new) {
    mask.host = at::empty(sizes, at::TensorOptions().pinned_memory(on_gpu));
    mask.device = on_gpu ? at::empty(sizes, options_) : mask.host;
    mask.fill = std::move(fill);
    mask.fill(*key_, mask.host);
  }
  if (on_gpu) mask.device.copy_(mask.host, /*non_blocking=*/true);
  return mask.device;
}

void TorchDropout::draw_again(const DropoutKey& key) {
  key_ = key;
  for (auto& [of, mask] : masks_) mask.fill(key, mask.host);
}

}  // namespace charrnn
