// The precision of the layers' products on GPUs.
#pragma once

#include <ATen/autocast_mode.h>

namespace charrnn {

/// While it lives, layers on devices of that kind compute in bf16 (PyTorch's autocast): the factors of their products
/// are rounded, and so are their results.
class Autocast {
 public:
  Autocast(bool is_on, at::DeviceType where) : is_on_(is_on), where_(where) {
    if (!is_on_) return;
    at::autocast::set_autocast_dtype(where_, at::kBFloat16);
    at::autocast::set_autocast_cache_enabled(false);  // it would keep weights of an earlier step
    at::autocast::set_autocast_enabled(where_, true);
  }
  ~Autocast() {
    if (is_on_) at::autocast::set_autocast_enabled(where_, false);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool is_on_;
  at::DeviceType where_;
};

}  // namespace charrnn
