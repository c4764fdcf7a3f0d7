// Memory of the process: what is not there, and what stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace charrnn {

/// A std::bad_alloc that knows how much was asked for.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::uint64_t bytes) : bytes_(bytes) {}
  const char* what() const noexcept override { return "out of memory"; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::uint64_t bytes_;
};

/// What libraries need for themselves, generously: HDF5 and LibTorch's code generator crash where they get none.
inline constexpr std::size_t kForLibraries = std::size_t{64} << 20;

/// OutOfMemory if the system does not give this process so many bytes more, in one piece. Nothing is kept.
void require_memory(std::size_t bytes);

/// The same of address space alone, which files take that are mapped to be read.
void require_address_space(std::size_t bytes);

/// Freed memory stays with this process for its next allocations, up to half a gigabyte, instead of going back to the
/// system: for work that frees and allocates the same large blocks again and again.
void keep_freed_memory();

}  // namespace charrnn
