// Hidden state of the native engine.
#pragma once

#include <algorithm>

#include "models/language_model.hpp"
#include "models/native/aligned_buffer.hpp"
#include "models/native/kernels.hpp"

namespace charrnn {

class NativeState final : public HiddenState {
 public:
  NativeState(std::int64_t layers, std::int64_t columns, std::int64_t hidden, bool has_cell)
      : HiddenState(layers, columns, hidden, has_cell),
        h_(layers * columns * padded(hidden)),
        c_(has_cell ? layers * columns * padded(hidden) : 0) {}

  /// Of one layer: [columns, padded(hidden)].
  float* h(std::int64_t layer) { return h_.data() + layer * of_layer(); }
  float* c(std::int64_t layer) { return c_.data() + layer * of_layer(); }
  std::int64_t of_layer() const { return columns() * padded(hidden()); }

  void zero() override {
    std::ranges::fill(h_.span(), 0.0F);
    std::ranges::fill(c_.span(), 0.0F);
  }
  void store(std::span<float> h, std::span<float> c) const override {
    for_rows([&](std::int64_t from, std::int64_t to) {
      std::copy_n(h_.data() + from, hidden(), h.data() + to);
      if (has_cell()) std::copy_n(c_.data() + from, hidden(), c.data() + to);
    });
  }
  void load(std::span<const float> h, std::span<const float> c) override {
    for_rows([&](std::int64_t to, std::int64_t from) {
      std::copy_n(h.data() + from, hidden(), h_.data() + to);
      if (has_cell()) std::copy_n(c.data() + from, hidden(), c_.data() + to);
    });
  }

 private:
  /// work(begin of a row here, begin of the same row outside)
  template <class Work>
  void for_rows(const Work& work) const {
    for (std::int64_t row = 0; row < layers() * columns(); ++row)
      work(row * padded(hidden()), row * hidden());
  }

  AlignedBuffer h_, c_;
};

}  // namespace charrnn
