#pragma once
#include <functional>
namespace charrnn {
inline void check_launcher(int, const std::function<const char*(const char*)>&) {}
}  // namespace charrnn
