// libcharrnn_torch.so: LibTorch and our code that needs it, for a program that loads them. This is its only symbol.
#include "models/libtorch.hpp"

extern "C" __attribute__((visibility("default"))) const charrnn::LibTorch* charrnn_libtorch() {
  return &charrnn::libtorch();
}
