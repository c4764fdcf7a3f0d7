#include "models/torch_dropout.hpp"

#include <ATen/Parallel.h>

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
  if (!key_ || config_.weight_dropout == 0) return weights;
  constexpr std::int64_t kBlock = 8, kGrain = 1024;
  const at::Tensor host = at::empty(weights.sizes(), at::kFloat);
  at::parallel_for(0, (host.numel() + kBlock - 1) / kBlock, kGrain,
                   [&](std::int64_t first, std::int64_t last) {
                     fill_weight_mask(*key_, layer, config_.weight_dropout, first, last, span_of(host));
                   });
  return weights * host.to(options_.device());
}

at::Tensor TorchDropout::drop(const at::Tensor& x, std::int64_t layer, double p) const {
  if (!key_ || p == 0) return x;
  const std::int64_t length = config_.locked_dropout ? 1 : x.size(0);
  const std::int64_t columns = x.size(1), units = x.size(2);
  const at::Tensor host = at::empty({length, columns, units}, at::kFloat);
  at::parallel_for(0, columns, 1, [&](std::int64_t first, std::int64_t last) {
    fill_dropout_mask(*key_, layer, p, length, columns, units, first, last, span_of(host));
  });
  return x * host.to(options_.device());
}

}  // namespace charrnn
