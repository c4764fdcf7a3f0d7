// What holds for the recurrent kernels wherever they run: on a GPU, or their source on a CPU.
#pragma once

#include <ATen/ATen.h>

#include <ostream>
#include <string>
#include <vector>

#include "models/cuda/recurrence.hpp"

namespace charrnn {

std::string name_of(RecurrentCell cell);

struct RecurrenceCase {
  RecurrentCell cell;
  std::int64_t hidden, columns, length, inputs;
};
std::ostream& operator<<(std::ostream& to, const RecurrenceCase& at);

/// Outputs, states and all gradients of the layer on `device` are those of PyTorch's layer in float64 on the CPU, but for
/// what bfloat16 rounds: 1 % of the largest.
void expect_like_float64(const RecurrenceCase& at, const at::Device& device);

/// In evaluation, where nothing is kept for a backward pass, the layer's outputs and states are the same bit for bit.
void expect_evaluation_like_training(const RecurrenceCase& at, const at::Device& device);

/// A column has the same bits alone (in a tile filled with others) and in another place among `at.columns`.
void expect_columns_like_alone(const RecurrenceCase& at, const at::Device& device);

/// All that the kernels write for some random input, which `at` decides.
std::vector<at::Tensor> all_results(const RecurrenceCase& at, const at::Device& device);

}  // namespace charrnn
