#include "base/memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

namespace charrnn {

namespace {

void require_mapping(std::size_t bytes, int access) {
  void* const memory = ::mmap(nullptr, bytes, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw OutOfMemory(bytes);
  ::munmap(memory, bytes);
}

}  // namespace

void require_memory(std::size_t bytes) {
  require_mapping(bytes, PROT_READ | PROT_WRITE);
}

void require_address_space(std::size_t bytes) {
  require_mapping(bytes, PROT_NONE);
}

void keep_freed_memory() {
  constexpr int kLargestFromHeap = 32 << 20;  // glibc refuses more
  constexpr int kKeptOnTop = 512 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestFromHeap);
  mallopt(M_TRIM_THRESHOLD, kKeptOnTop);
}

}  // namespace charrnn
