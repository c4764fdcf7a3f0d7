#include "dist/gpu_failure.hpp"

#include <algorithm>
#include <array>

#include "base/host.hpp"

namespace charrnn {

namespace {

struct Meaning {
  int cuda_error;
  GpuTrouble trouble;
};

// Numbers of driver_types.h, which a build without CUDA does not have; cuda_runtime.cpp compares some. An illegal
// address or instruction may be a bug as well as a broken GPU (Xid 13 and 31), and a bug would come again: launch/run
// gives up after some restarts.
constexpr std::array kMeanings{
    Meaning{2, GpuTrouble::kMemory},    // cudaErrorMemoryAllocation
    Meaning{3, GpuTrouble::kSetup},     // cudaErrorInitializationError
    Meaning{34, GpuTrouble::kSetup},    // cudaErrorStubLibrary
    Meaning{35, GpuTrouble::kSetup},    // cudaErrorInsufficientDriver
    Meaning{36, GpuTrouble::kSetup},    // cudaErrorCallRequiresNewerDriver
    Meaning{46, GpuTrouble::kBroken},   // cudaErrorDevicesUnavailable
    Meaning{100, GpuTrouble::kSetup},   // cudaErrorNoDevice
    Meaning{101, GpuTrouble::kSetup},   // cudaErrorInvalidDevice
    Meaning{102, GpuTrouble::kSetup},   // cudaErrorDeviceNotLicensed
    Meaning{127, GpuTrouble::kSetup},   // cudaErrorStartupFailure
    Meaning{209, GpuTrouble::kSetup},   // cudaErrorNoKernelImageForDevice
    Meaning{214, GpuTrouble::kBroken},  // cudaErrorECCUncorrectable
    Meaning{220, GpuTrouble::kBroken},  // cudaErrorNvlinkUncorrectable
    Meaning{222, GpuTrouble::kSetup},   // cudaErrorUnsupportedPtxVersion
    Meaning{226, GpuTrouble::kBroken},  // cudaErrorContained
    Meaning{304, GpuTrouble::kBroken},  // cudaErrorOperatingSystem
    Meaning{700, GpuTrouble::kBroken},  // cudaErrorIllegalAddress
    Meaning{702, GpuTrouble::kBroken},  // cudaErrorLaunchTimeout
    Meaning{714, GpuTrouble::kBroken},  // cudaErrorHardwareStackError
    Meaning{715, GpuTrouble::kBroken},  // cudaErrorIllegalInstruction
    Meaning{716, GpuTrouble::kBroken},  // cudaErrorMisalignedAddress
    Meaning{717, GpuTrouble::kBroken},  // cudaErrorInvalidAddressSpace
    Meaning{718, GpuTrouble::kBroken},  // cudaErrorInvalidPc
    Meaning{719, GpuTrouble::kBroken},  // cudaErrorLaunchFailure
    Meaning{802, GpuTrouble::kBroken},  // cudaErrorSystemNotReady
    Meaning{803, GpuTrouble::kSetup},   // cudaErrorSystemDriverMismatch
    Meaning{804, GpuTrouble::kSetup},   // cudaErrorCompatNotSupportedOnDevice
    Meaning{805, GpuTrouble::kBroken},  // cudaErrorMpsConnectionFailed
    Meaning{806, GpuTrouble::kBroken},  // cudaErrorMpsRpcFailure
    Meaning{807, GpuTrouble::kBroken},  // cudaErrorMpsServerNotReady
    Meaning{810, GpuTrouble::kBroken},  // cudaErrorMpsClientTerminated
    Meaning{909, GpuTrouble::kBroken},  // cudaErrorTimeout
    Meaning{911, GpuTrouble::kBroken},  // cudaErrorExternalDevice
    Meaning{999, GpuTrouble::kBroken},  // cudaErrorUnknown
};

}  // namespace

GpuTrouble gpu_trouble(int cuda_error) {
  const auto* const found = std::ranges::find(kMeanings, cuda_error, &Meaning::cuda_error);
  return found != kMeanings.end() ? found->trouble : GpuTrouble::kBug;
}

Error gpu_error(GpuTrouble trouble, const std::string& gpu, const std::string& what) {
  const std::string where = fmt::format("{} of {}", gpu, host_name());
  if (trouble == GpuTrouble::kBroken) {
    return {ExitCode::kInterrupted,
            fmt::format("{} failed: {}; its driver's messages say more (dmesg, nvidia-smi -q). Go on from the newest "
                        "checkpoint with `resume`",
                        where, what)};
  }
  if (trouble == GpuTrouble::kBug) return {ExitCode::kBug, fmt::format("internal error on {}: {}", where, what)};
  return {ExitCode::kUsage, fmt::format("{} cannot be used: {}", where, what)};
}

}  // namespace charrnn
