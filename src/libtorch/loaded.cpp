// LibTorch in a program that loads it. Such a program is linked with this file before charrnn_core's linked.cpp.
#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <filesystem>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/program_version.hpp"
#include "models/libtorch.hpp"

namespace charrnn {

namespace {

std::atomic<const LibTorch*> g_loaded{nullptr};

constexpr const char* kLibrary = "libcharrnn_torch.so";

/// Beside the program, as it was built, or where it is installed; nowhere else, whatever LD_LIBRARY_PATH says.
std::filesystem::path library_of_program() {
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::filesystem::path beside = folder / kLibrary;
  return std::filesystem::exists(beside) ? beside : folder.parent_path() / "lib/charrnn_dist" / kLibrary;
}

const LibTorch& load() {
  // For its files, 430 MB, and some more: told apart from a library that is not there.
  require_address_space(std::size_t{512} << 20);
  // It stays until the process ends: models and exceptions of it may live as long.
  void* const library = ::dlopen(library_of_program().c_str(), RTLD_NOW | RTLD_NODELETE);
  require<UsageError>(
      library != nullptr,
      "cannot load LibTorch, which this needs: {}; install the program again, with its lib/charrnn_dist",
      library == nullptr ? ::dlerror() : "");
  const auto get = reinterpret_cast<const LibTorch* (*)()>(::dlsym(library, "charrnn_libtorch"));
  const LibTorch* const found = get == nullptr ? nullptr : get();
  const std::string_view version = found == nullptr ? "unknown" : found->build;
  require<UsageError>(version == kProgramBuild,
                      "cannot load LibTorch, which this needs: {} is of version {} and this program of {}; install the "
                      "program again, with its lib/charrnn_dist",
                      kLibrary, version, kProgramBuild);
  found->configure(1, false);
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
