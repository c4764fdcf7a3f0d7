// Hidden state as LibTorch tensors.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "models/language_model.hpp"

namespace charrnn {

class TorchState final : public HiddenState {
 public:
  TorchState(std::int64_t layers, std::int64_t columns, std::int64_t hidden, bool has_cell,
             at::TensorOptions options)
      : HiddenState(layers, columns, hidden, has_cell),
        memory_(at::zeros({has_cell ? 2 : 1, layers, 1, columns, hidden}, options)),
        own_h_(memory_[0].unbind()),
        own_c_(has_cell ? memory_[1].unbind() : std::vector<at::Tensor>()),
        h(own_h_),
        c(own_c_) {}

  void zero() override {
    memory_.zero_();
    h = own_h_;
    c = own_c_;
  }
  void store(std::span<float> to_h, std::span<float> to_c) const override {
    store_part(h, to_h);
    if (has_cell()) store_part(c, to_c);
  }
  void load(std::span<const float> from_h, std::span<const float> from_c) override {
    load_part(own_h_, from_h);
    if (has_cell()) load_part(own_c_, from_c);
    h = own_h_;
    c = own_c_;
  }
  /// Copies what a window left in h and c to the state's own memory and puts that there instead. It also cuts
  /// the graph that led here: gradients end at a window's beginning.
  void settle() {
    settle_part(h, own_h_);
    settle_part(c, own_c_);
  }
  /// Where the state lies once it is settled: always the same.
  const void* address() const { return memory_.data_ptr(); }

 private:
  at::Tensor memory_;  ///< [h and c, layers, 1, columns, hidden]
  std::vector<at::Tensor> own_h_, own_c_;

 public:
  std::vector<at::Tensor> h, c;  ///< one [1, columns, hidden] a layer; a window puts new ones in their place

 private:
  void store_part(const std::vector<at::Tensor>& part, std::span<float> to) const {
    at::from_blob(to.data(), {layers(), columns(), hidden()}).copy_(at::cat(part));
  }
  void load_part(const std::vector<at::Tensor>& part, std::span<const float> from) const {
    const at::Tensor all = at::from_blob(const_cast<float*>(from.data()), {layers(), columns(), hidden()});
    for (std::size_t layer = 0; layer < part.size(); ++layer) {
      part[layer].copy_(all.slice(0, static_cast<std::int64_t>(layer), static_cast<std::int64_t>(layer) + 1));
    }
  }
  static void settle_part(std::vector<at::Tensor>& part, const std::vector<at::Tensor>& own) {
    for (std::size_t layer = 0; layer < part.size(); ++layer) {
      if (part[layer].is_same(own[layer])) continue;
      own[layer].copy_(part[layer].detach());
      part[layer] = own[layer];
    }
  }
};

}  // namespace charrnn
