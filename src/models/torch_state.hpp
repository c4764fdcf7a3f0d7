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
      : HiddenState(layers, columns, hidden, has_cell), options_(options) {
    zero();
  }

  void zero() override {
    h.assign(static_cast<std::size_t>(layers()), at::zeros({1, columns(), hidden()}, options_));
    if (has_cell()) c = h;
  }
  void store(std::span<float> to_h, std::span<float> to_c) const override {
    store_part(h, to_h);
    if (has_cell()) store_part(c, to_c);
  }
  void load(std::span<const float> from_h, std::span<const float> from_c) override {
    load_part(h, from_h);
    if (has_cell()) load_part(c, from_c);
  }
  /// Cuts the graph that led here: gradients end at a window's beginning.
  void detach() {
    for (auto* part : {&h, &c}) {
      for (at::Tensor& tensor : *part) tensor = tensor.detach();
    }
  }

  std::vector<at::Tensor> h, c;  ///< one [1, columns, hidden] a layer

 private:
  void store_part(const std::vector<at::Tensor>& part, std::span<float> to) const {
    at::from_blob(to.data(), {layers(), columns(), hidden()}).copy_(at::cat(part));
  }
  void load_part(std::vector<at::Tensor>& part, std::span<const float> from) const {
    const at::Tensor all = at::from_blob(const_cast<float*>(from.data()), {layers(), columns(), hidden()});
    for (std::int64_t layer = 0; layer < layers(); ++layer) {
      part[static_cast<std::size_t>(layer)] =
          all.slice(0, layer, layer + 1).to(options_, false, /*copy=*/true);
    }
  }

  at::TensorOptions options_;
};

}  // namespace charrnn
