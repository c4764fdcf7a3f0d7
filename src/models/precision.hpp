#pragma once

namespace charrnn {

/// What the factors of a matrix product are rounded to. Sums are float32, and so are parameters, optimizer
/// and the hidden state between windows.
enum class Precision { kFp32, kBf16 };

}  // namespace charrnn
