#include <torch/headeronly/version.h>

#include "models/libtorch.hpp"

namespace charrnn {

std::string torch_version() {
  return TORCH_VERSION;
}

}  // namespace charrnn
