// One LSTM layer over a whole window, for CPUs.
#pragma once

#include <ATen/ATen.h>

#include <tuple>

namespace charrnn {

/// `gates` [length, columns, 4·hidden] is what the input gives to the gates, biases in it, in PyTorch's order
/// (input, forget, cell, output); it is overwritten. `h`, `c` [columns, hidden] are the state before, through
/// which no gradient flows. Returns the outputs [length, columns, hidden] and the state after. Formulas:
/// PyTorch's documentation of LSTM.
///
/// As one node of the graph: the weights' gradient is one product over all rows of the window, where
/// PyTorch's own layer makes one a row, each writing a whole matrix. And at::lstm must not run on CPUs: where
/// it hands over to oneDNN's layer, that writes past the end of a buffer on processors with AVX-512 (its
/// sgemm's workspace), and training ends with a corrupted heap after seconds or hours.
std::tuple<at::Tensor, at::Tensor, at::Tensor> lstm_layer(const at::Tensor& gates, const at::Tensor& h,
                                                          const at::Tensor& c, const at::Tensor& w_hh);

}  // namespace charrnn
