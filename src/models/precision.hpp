#pragma once

#include <string>
#include <string_view>

namespace charrnn {

/// What the factors of a matrix product are rounded to. Parameters, gradients and optimizer are float32, and so is all
/// else, sums and the hidden state included; only in bf16 on GPUs what a layer gives is rounded, too.
enum class Precision {
  kFp32,
  kTf32,  ///< to 11 bits (GPUs) or 17 (CPUs), where the device multiplies such factors faster; elsewhere kFp32
  kBf16,  ///< to 8 bits
  kInt8,  ///< weights to integers of 8 bits, with a scale for each output: only to predict, not to train
};

/// The one of that name: "fp32", "tf32", "bf16" or "int8".
Precision precision_named(const std::string& name);
std::string_view name_of(Precision precision);

}  // namespace charrnn
