// The smallest floating-point numbers.
#pragma once

namespace charrnn {

/// Float32 numbers below the normal range (under 1.2e-38) count as zero, on this thread and all that it
/// starts from now on. Gradients and Adam's averages get there, nothing can be learned from them, and some
/// processors take a hundred times as long for each.
void flush_subnormal_numbers();

}  // namespace charrnn
