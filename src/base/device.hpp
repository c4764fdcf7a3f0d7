// Where a rank computes.
#pragma once

namespace charrnn {

struct Device {
  bool cuda = false;
  int index = 0;  ///< number of the GPU on this node; 0 for the CPU
  bool operator==(const Device&) const = default;
};

}  // namespace charrnn
