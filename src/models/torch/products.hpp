// LibTorch's matrix products for the native engine.
#pragma once

#include "models/libtorch.hpp"

namespace charrnn {

extern const TorchProducts kTorchProducts;

}  // namespace charrnn
