// Hidden state of the native engine.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "models/language_model.hpp"
#include "models/native/kernels.hpp"

namespace charrnn {

class NativeState final : public HiddenState {
 public:
  NativeState(std::vector<StateSpec> state_specs, std::int64_t columns)
      : HiddenState(std::move(state_specs), columns) {
    for (const StateSpec& spec : specs()) memory_.emplace_back(spec.layers * columns * padded(spec.width));
  }

  /// State number i of one layer: [columns, padded(width)].
  float* at(std::size_t i, std::int64_t layer) {
    return memory_[i].data() + layer * columns() * padded(specs()[i].width);
  }

  void zero() override {
    for (AlignedBuffer& memory : memory_) std::ranges::fill(memory.span(), 0.0F);
  }
  void store(std::size_t i, std::span<float> to) const override {
    const std::int64_t width = specs()[i].width;
    for_rows(i, [&](std::int64_t row) {
      std::copy_n(memory_[i].data() + row * padded(width), width, to.data() + row * width);
    });
  }
  void load(std::size_t i, std::span<const float> from) override {
    const std::int64_t width = specs()[i].width;
    for_rows(i, [&](std::int64_t row) {
      std::copy_n(from.data() + row * width, width, memory_[i].data() + row * padded(width));
    });
  }

 private:
  template <class Work>
  void for_rows(std::size_t i, const Work& work) const {
    for (std::int64_t row = 0; row < specs()[i].layers * columns(); ++row) work(row);
  }

  std::vector<AlignedBuffer> memory_;  ///< by state
};

}  // namespace charrnn
