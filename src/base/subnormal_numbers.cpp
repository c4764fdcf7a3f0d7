#include "base/subnormal_numbers.hpp"

#if defined(__x86_64__)
#include <pmmintrin.h>
#endif

namespace charrnn {

void flush_subnormal_numbers() {
  // POSIX: a new thread inherits the floating-point environment (pthread_create).
#if defined(__x86_64__)
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
#elif defined(__aarch64__)
  constexpr unsigned long kFlushToZero = 1UL << 24;
  unsigned long control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" : : "r"(control | kFlushToZero));
#endif
}

}  // namespace charrnn
