// What computes on a device.
#pragma once

#include <string>

#include "base/device.hpp"

namespace charrnn {

/// As far as it decides how results are rounded: processor_description(); of a GPU its model, compute capability, driver
/// and cuDNN: "NVIDIA H100 80GB HBM3 (sm_90, driver 580.65.06, cuDNN 9.13.0)".
std::string device_description(Device device);

}  // namespace charrnn
