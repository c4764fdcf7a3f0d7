// LibTorch in a program that loads it. Such a program is linked with this file before charrnn_core's linked.cpp.
#include <dlfcn.h>

#include <atomic>
#include <cstddef>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/program_version.hpp"
#include "models/libtorch.hpp"

namespace charrnn {

namespace {

std::atomic<const LibTorch*> g_loaded{nullptr};

const LibTorch& load() {
  constexpr const char* kLibrary = "libcharrnn_torch.so";
  // Address space for its files, 430 MB, and some for what it does then: told apart from a library that is not there.
  require_memory(std::size_t{512} << 20);
  // It stays until the process ends: models and exceptions of it may live as long.
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_NODELETE);
  require<UsageError>(
      library != nullptr,
      "cannot load LibTorch, which this needs: {}; install the program again, with its lib/charrnn_dist",
      library == nullptr ? ::dlerror() : "");
  const auto get = reinterpret_cast<const LibTorch* (*)()>(::dlsym(library, "charrnn_libtorch"));
  const LibTorch* const found = get == nullptr ? nullptr : get();
  const std::string_view version = found == nullptr ? "unknown" : found->program_version;
  require<UsageError>(version == kProgramVersion,
                      "cannot load LibTorch, which this needs: {} is of version {} and this program of {}; install the "
                      "program again, with its lib/charrnn_dist",
                      kLibrary, version, kProgramVersion);
  g_loaded = found;
  return *found;
}

}  // namespace

const LibTorch& libtorch() {
  static const LibTorch& loaded = load();
  return loaded;
}

const LibTorch* loaded_libtorch() {
  return g_loaded;
}

}  // namespace charrnn
