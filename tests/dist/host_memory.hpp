// Host memory in the place of a GPU's.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <map>
#include <memory>
#include <new>

#include "dist/device_memory.hpp"

namespace charrnn::test {

/// Closed, it can be touched only through its copies, as if it lay on a GPU: whoever forgets to copy crashes.
class HostMemory final : public DeviceMemory {
 public:
  explicit HostMemory(bool is_open) : is_open_(is_open) {}

  void* allocate(std::size_t bytes) override {
    void* memory = mmap(nullptr, bytes, is_open_ ? kOpen : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    sizes()[memory] = bytes;
    return memory;
  }
  void release(void* memory) override {
    munmap(memory, sizes().at(memory));
    sizes().erase(memory);
  }
  void to_host(void* host, const void* device, std::size_t bytes) override {
    with_access(device, [&] { std::memcpy(host, device, bytes); });
  }
  void to_device(void* device, const void* host, std::size_t bytes) override {
    with_access(device, [&] { std::memcpy(device, host, bytes); });
  }

 private:
  static constexpr int kOpen = PROT_READ | PROT_WRITE;

  /// Of all allocations of the process: one object may copy what another one gave out, as on a GPU.
  static std::map<const void*, std::size_t>& sizes() {
    static std::map<const void*, std::size_t> all;
    return all;
  }
  template <class Work>
  void with_access(const void* address, Work work) {
    const auto after = sizes().upper_bound(address);
    const auto [start, bytes] = *std::prev(after);
    if (!is_open_) mprotect(const_cast<void*>(start), bytes, kOpen);
    work();
    if (!is_open_) mprotect(const_cast<void*>(start), bytes, PROT_NONE);
  }

  bool is_open_;
};

}  // namespace charrnn::test
