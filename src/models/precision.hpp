#pragma once

namespace charrnn {

/// What the factors of a matrix product are rounded to. Parameters, gradients and optimizer are float32. In
/// the native engine so is all else, sums and the hidden state; on GPUs what a recurrent layer gives is
/// rounded too.
enum class Precision { kFp32, kBf16 };

}  // namespace charrnn
