#include "models/torch_failure.hpp"

#include <c10/util/Exception.h>

#include <array>
#include <charconv>
#include <string_view>

namespace charrnn {

namespace {

using Kind = TorchFailure::Kind;

/// What libraries say that have no type or number for it.
struct Saying {
  std::string_view part;
  Kind kind;
  GpuTrouble trouble = GpuTrouble::kBug;
};

constexpr std::array kSayings{
    Saying{"DefaultCPUAllocator: can't allocate memory", Kind::kMemory},
    Saying{"CUBLAS_STATUS_ALLOC_FAILED", Kind::kGpuMemory},
    Saying{"CUBLAS_STATUS_NOT_INITIALIZED", Kind::kGpuMemory},  // usually that
    Saying{"CUBLAS_STATUS_EXECUTION_FAILED", Kind::kGpu, GpuTrouble::kBroken},
    Saying{"CUBLAS_STATUS_INTERNAL_ERROR", Kind::kGpu, GpuTrouble::kBroken},
    Saying{"CUDNN_STATUS_ALLOC_FAILED", Kind::kGpuMemory},
    Saying{"CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED", Kind::kMemory},
    Saying{"CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", Kind::kGpuMemory},
    Saying{"CUDNN_STATUS_EXECUTION_FAILED", Kind::kGpu, GpuTrouble::kBroken},
    Saying{"CUDNN_STATUS_INTERNAL_ERROR", Kind::kGpu, GpuTrouble::kBroken},
};

// oneDNN's exception has no header here. It cannot get memory for machine code.
constexpr std::string_view kNoKernel = "could not generate a kernel";

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

/// "… you tried to allocate 4096 bytes. …"
std::uint64_t bytes_asked_for(std::string_view text) {
  constexpr std::string_view kBefore = "tried to allocate ";
  const std::size_t at = text.find(kBefore);
  std::uint64_t bytes = 0;
  if (at != std::string_view::npos) {
    const std::string_view number = text.substr(at + kBefore.size());
    std::from_chars(number.data(), number.data() + number.size(), bytes);
  }
  return bytes;
}

/// Up to how much there is: what follows is about other processes and the allocator's settings.
std::string memory_report(const std::string& text) {
  const std::string line = first_line(text);
  constexpr std::string_view kEnd = " is free.";
  const std::size_t end = line.find(kEnd);
  return end == std::string::npos ? line : line.substr(0, end + kEnd.size() - 1);
}

}  // namespace

std::optional<TorchFailure> torch_failure(const std::exception& exception) {
  if (exception.what() == kNoKernel) return TorchFailure{.kind = Kind::kMemory, .text = exception.what()};
  const auto* const error = dynamic_cast<const c10::Error*>(&exception);
  if (error == nullptr) return std::nullopt;
  const std::string text = error->what_without_backtrace();
  if (dynamic_cast<const c10::OutOfMemoryError*>(error) != nullptr) {
    return TorchFailure{.kind = Kind::kGpuMemory, .text = memory_report(text)};
  }
  if (const auto* const cuda = dynamic_cast<const c10::AcceleratorError*>(error)) {
    const GpuTrouble trouble = gpu_trouble(cuda->get_error_code());
    const Kind kind = trouble == GpuTrouble::kMemory ? Kind::kGpuMemory : Kind::kGpu;
    return TorchFailure{.kind = kind, .trouble = trouble, .text = first_line(text)};
  }
  for (const Saying& saying : kSayings) {
    if (text.find(saying.part) == std::string::npos) continue;
    return TorchFailure{saying.kind, saying.trouble, bytes_asked_for(text), first_line(text)};
  }
  return TorchFailure{.text = first_line(text)};
}

}  // namespace charrnn
