// LibTorch's exceptions, sorted.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include "dist/gpu_failure.hpp"

namespace charrnn {

struct TorchFailure {
  enum class Kind {
    kMemory,     ///< too little memory on the CPU
    kGpuMemory,  ///< or on the GPU
    kGpu,        ///< `trouble` with the GPU
    kOther,      ///< something that must not happen
  };
  Kind kind = Kind::kOther;
  GpuTrouble trouble = GpuTrouble::kBug;
  std::uint64_t bytes = 0;  ///< of kMemory: what was asked for, if that is known
  std::string text;         ///< LibTorch's, without the stack trace and the advice for programmers
};

/// None if the exception is not LibTorch's (or of oneDNN, which LibTorch uses).
std::optional<TorchFailure> torch_failure(const std::exception& exception);

}  // namespace charrnn
