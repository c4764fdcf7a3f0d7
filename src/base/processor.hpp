// Which processor this is, as far as it decides which kernels run and what they round.
#pragma once

#include <string>

namespace charrnn {

/// The model's name, and in brackets those of its instruction sets that LibTorch and MKL choose kernels by:
/// "AMD EPYC 7B13 (avx2 fma)".
std::string processor_description();

}  // namespace charrnn
