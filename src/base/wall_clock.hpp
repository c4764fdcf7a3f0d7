// The time of day, as files tell it.
#pragma once

#include <chrono>

namespace charrnn {

inline double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace charrnn
