// Files of any bytes under a checkpoint's name: all but a sealed one are refused by their digest, before HDF5 sees them.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/digest.hpp"

namespace charrnn {
namespace {

/// Whether these are the 512 bytes that belong in front of what follows them.
bool is_sealed(std::vector<char> file) {
  if (file.size() < kUserBlock) return false;
  const std::vector<char> before = file;
  std::memset(file.data(), 0, kUserBlock);
  seal(file);
  return file == before;
}

void check(const std::vector<char>& file) {
  const int descriptor = ::memfd_create("checkpoint", 0);
  if (::write(descriptor, file.data(), file.size()) != static_cast<ssize_t>(file.size())) std::abort();
  bool good = true;
  try {
    check_digest("/proc/self/fd/" + std::to_string(descriptor));
  } catch (const DataError&) {
    good = false;
  }
  ::close(descriptor);
  if (good != is_sealed(file)) std::abort();
}

}  // namespace
}  // namespace charrnn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<char> file(data, data + size);
  charrnn::check(file);
  if (size < charrnn::kUserBlock) return 0;
  // The same contents with the digest that fits, and one bit of it changed.
  charrnn::seal(file);
  charrnn::check(file);
  file[data[0] % 86U] ^= 1;  // the text of the block is 86 bytes long
  charrnn::check(file);
  return 0;
}
