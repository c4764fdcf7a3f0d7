#include "base/memory.hpp"

#include <sys/mman.h>

namespace charrnn {

void require_memory(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw OutOfMemory(bytes);
  ::munmap(memory, bytes);
}

}  // namespace charrnn
