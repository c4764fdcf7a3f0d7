#include "models/torch/torch_dropout.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "models/dropout.hpp"
#include "models/flat_tensor.hpp"
#ifdef CHARRNN_CUDA
#include "models/torch/gpu_dropout.hpp"
#include "models/torch/gpu_stream.hpp"
#endif

namespace charrnn {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Whose mask, and how often it drops.
struct Mask : torch::CustomClassHolder {
  Mask(bool weights, std::int64_t number, double probability, bool locked)
      : of_weights(weights), layer(number), p(probability), is_locked(locked) {}

  bool of_weights;
  std::int64_t layer;
  double p;
  bool is_locked;
};

/// In float32, for what has these sizes.
at::Tensor draw_on_cpu(const Mask& mask, const at::Tensor& key_words, at::IntArrayRef sizes) {
  const auto* words = key_words.const_data_ptr<std::int64_t>();
  const DropoutKey key{static_cast<std::uint64_t>(words[0]), words[1], words[2]};
  if (mask.of_weights) {
    at::Tensor drawn = at::empty(sizes);
    constexpr std::int64_t kGrain = 1024;
    at::parallel_for(0, (drawn.numel() + kDrawsPerBlock - 1) / kDrawsPerBlock, kGrain,
                     [&](std::int64_t first, std::int64_t last) {
                       fill_weight_mask(key, mask.layer, mask.p, first, last, span_of(drawn));
                     });
    return drawn;
  }
  const std::int64_t length = mask.is_locked ? 1 : sizes[0], columns = sizes[1], units = sizes[2];
  at::Tensor drawn = at::empty({length, columns, units});
  at::parallel_for(0, columns, 1, [&](std::int64_t first, std::int64_t last) {
    fill_dropout_mask(key, mask.layer, mask.p, length, columns, units, first, last, span_of(drawn));
  });
  return drawn;
}

#ifdef CHARRNN_CUDA
at::Tensor multiply_on_gpu(const at::Tensor& x, const at::Tensor& key_words, const Mask& mask) {
  const DropPlan plan = mask.of_weights ? drop_weights(mask.layer, mask.p, x.numel())
                                        : drop_outputs(mask.layer, mask.p, mask.is_locked, x.size(1), x.size(2));
  const at::Tensor from = x.contiguous(), to = at::empty_like(from);
  const auto* key = key_words.const_data_ptr<std::int64_t>();
  const auto size = static_cast<std::size_t>(x.numel());
  if (x.scalar_type() == at::kBFloat16) {
    const auto bits = [&](const at::Tensor& tensor) {
      return std::span(reinterpret_cast<std::uint16_t*>(tensor.data_ptr<at::BFloat16>()), size);
    };
    enqueue_dropout(plan, key, bits(from), bits(to), gpu_stream());
  } else {
    enqueue_dropout(plan, key, span_of(from), span_of(to), gpu_stream());
  }
  return to;
}
#endif

/// The backward pass multiplies the gradient by the same mask. On a GPU there is none in memory: it is drawn again as it
/// is applied. A CPU takes longer to draw a mask than to read it, and keeps it.
class Multiplication : public torch::autograd::Function<Multiplication> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& key,
                            const c10::intrusive_ptr<Mask>& mask) {
    const at::Tensor source = x.is_cuda() ? key : draw_on_cpu(*mask, key, x.sizes());
    context->save_for_backward({source});
    context->saved_data["mask"] = c10::IValue::make_capsule(mask);
    return multiply(x, source, *mask);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto mask = c10::static_intrusive_pointer_cast<Mask>(context->saved_data["mask"].toCapsule());
    return {multiply(gradients[0], context->get_saved_variables()[0], *mask), {}, {}};
  }

 private:
  /// source: the key on a GPU, the mask on a CPU.
  static at::Tensor multiply(const at::Tensor& x, const at::Tensor& source, [[maybe_unused]] const Mask& mask) {
#ifdef CHARRNN_CUDA
    if (x.is_cuda()) return multiply_on_gpu(x, source, mask);
#endif
    return (x * source).to(x.scalar_type());
  }
};

}  // namespace

TorchDropout::TorchDropout(const ModelConfig& config, at::Tensor key) : config_(config), key_(std::move(key)) {}

at::Tensor TorchDropout::of_input(const at::Tensor& x) const {
  return drop(x, kInputMask, config_.dropout_input);
}

at::Tensor TorchDropout::of_outputs(const at::Tensor& x, std::int64_t layer) const {
  return drop(x, layer, layer + 1 < config_.layers ? config_.dropout : config_.dropout_output);
}

at::Tensor TorchDropout::of_weights(const at::Tensor& weights, std::int64_t layer) const {
  if (!key_.defined() || config_.weight_dropout == 0) return weights;
  return Multiplication::apply(weights, key_, c10::make_intrusive<Mask>(true, layer, config_.weight_dropout, false));
}

at::Tensor TorchDropout::drop(const at::Tensor& x, std::int64_t layer, double p) const {
  if (!key_.defined() || p == 0) return x;
  return Multiplication::apply(x, key_, c10::make_intrusive<Mask>(false, layer, p, config_.locked_dropout));
}

}  // namespace charrnn
