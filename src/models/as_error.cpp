#include "models/as_error.hpp"

#include <sys/resource.h>

#include <new>
#include <optional>
#include <system_error>

#include "base/memory.hpp"
#include "base/text.hpp"
#include "models/libtorch.hpp"
#ifdef CHARRNN_CUDA
#include "dist/cuda_runtime.hpp"
#endif

namespace charrnn {

namespace {

std::string this_gpu() {
#ifdef CHARRNN_CUDA
  return current_cuda_device();
#else
  return "the GPU";
#endif
}

/// " (ulimit -v allows this process 2.0 GB)", if there is a limit.
std::string memory_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return "";
  return fmt::format(" (ulimit -v allows this process {})", bytes_text(limit.rlim_cur));
}

/// `bytes`: what was asked for; 0 if nobody knows.
Error out_of_memory(std::uint64_t bytes, const std::string& remedy) {
  const std::string asked = bytes > 0 ? fmt::format(": the system refused another {}", bytes_text(bytes)) : "";
  return {ExitCode::kUsage, fmt::format("out of memory{}{}; {}", asked, memory_limit(), remedy)};
}

Error from_torch(const TorchFailure& failure, const std::string& remedy) {
  switch (failure.kind) {
    case TorchFailure::Kind::kMemory:
      return out_of_memory(failure.bytes, remedy);
    case TorchFailure::Kind::kGpuMemory:
      return {ExitCode::kUsage,
              fmt::format("{}: {}; {}, or use `precision` bf16, or more GPUs", this_gpu(), failure.text, remedy)};
    case TorchFailure::Kind::kGpu:
      return gpu_error(failure.trouble, this_gpu(), failure.text);
    case TorchFailure::Kind::kOther:
      break;
  }
  return {ExitCode::kBug, fmt::format("internal error: {}", failure.text)};
}

}  // namespace

Error as_error(const std::exception& exception, const std::string& remedy) {
  if (const auto* const error = dynamic_cast<const Error*>(&exception)) return *error;
  if (const auto* const memory = dynamic_cast<const OutOfMemory*>(&exception)) {
    return out_of_memory(memory->bytes(), remedy);
  }
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) return out_of_memory(0, remedy);
  if (const auto* const refused = dynamic_cast<const std::system_error*>(&exception)) {
    if (refused->code() == std::errc::not_enough_memory) return out_of_memory(0, remedy);
    if (refused->code() == std::errc::resource_unavailable_try_again) {
      return {ExitCode::kUsage,
              fmt::format("the system does not let this process start another thread ({}){}: raise the limit on "
                          "processes (ulimit -u) or memory (ulimit -v)",
                          refused->what(), memory_limit())};
    }
  }
  if (const LibTorch* const torch = loaded_libtorch()) {  // else there are no exceptions of it
    if (const std::optional<TorchFailure> failure = torch->failure(exception)) return from_torch(*failure, remedy);
  }
  return {ExitCode::kBug, fmt::format("internal error: {}", exception.what())};
}

}  // namespace charrnn
