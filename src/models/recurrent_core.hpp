// What is between a model's embedding and its output layer, one class a family.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "models/model_kind.hpp"
#include "models/torch_dropout.hpp"
#include "models/torch_state.hpp"

namespace charrnn {

class RecurrentCore {
 public:
  virtual ~RecurrentCore() = default;
  RecurrentCore(const RecurrentCore&) = delete;
  RecurrentCore& operator=(const RecurrentCore&) = delete;

  /// Embedded characters [length, columns, embedding] to the last layer's outputs [length, columns, hidden].
  /// Moves the state on.
  virtual at::Tensor run(at::Tensor x, TorchState& state, const TorchDropout& dropout) = 0;

 protected:
  RecurrentCore() = default;
};

/// `weights` are the parameters between embedding and output layer, in the layout's order.
std::unique_ptr<RecurrentCore> make_stacked_layers(Cell cell, std::vector<at::Tensor> weights);
std::unique_ptr<RecurrentCore> make_cell_loop(Cell cell, std::vector<at::Tensor> weights);
std::unique_ptr<RecurrentCore> make_char_loop(bool concat, std::vector<at::Tensor> weights);

}  // namespace charrnn
