#include "doctor/gpus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>

#ifdef CHARRNN_CUDA
#include <cuda_runtime_api.h>
#include <nccl.h>

#include "base/text.hpp"
#include "dist/cuda_runtime.hpp"
#endif

namespace charrnn {

namespace {

namespace fs = std::filesystem;

/// GPUs in the node, as NVIDIA's driver lists them; 0 without the driver.
std::ptrdiff_t gpus_of_driver(const fs::path& root) {
  std::error_code error;
  const fs::directory_iterator list(root / "proc/driver/nvidia/gpus", error);
  return error ? 0 : std::distance(fs::begin(list), fs::end(list));
}

#ifdef CHARRNN_CUDA

std::string describe(int index) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) return "does not answer";
  return fmt::format("{}, {}, compute capability {}.{}, {}", properties.name, bytes_text(properties.totalGlobalMem),
                     properties.major, properties.minor, cuda_device_uuid(index));
}

Findings check_seen(int ranks) {
  Findings findings;
  const int count = cuda_device_count();
  for (int index = 0; index < count; ++index) {
    findings.push_back({.topic = fmt::format("GPU {}", index), .text = describe(index)});
  }
  if (count == 0) return findings;
  int driver = 0, version = 0;
  cudaDriverGetVersion(&driver);
  ncclGetVersion(&version);
  findings.push_back({.topic = "CUDA",
                      .text = fmt::format("driver for CUDA {}.{}, built with {}.{}; NCCL {}.{}.{}", driver / 1000,
                                          driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
                                          version / 10000, version / 100 % 100, version % 100)});
  if (driver < CUDART_VERSION / 1000 * 1000) {
    findings.back().verdict = Verdict::kFault;
    findings.back().remedy = "the driver is older than the CUDA libraries: update it, or build with an older toolkit";
  }
  if (ranks > count) {
    findings.push_back({Verdict::kFault, "ranks", fmt::format("{} on {} GPU(s)", ranks, count),
                        "NCCL wants a GPU for each rank: start as many ranks on a node as it has GPUs"});
  }
  std::ranges::move(check_links(gpu_links_here()), std::back_inserter(findings));
  return findings;
}

#endif

}  // namespace

Findings check_links(std::span<const GpuLink> pairs) {
  if (pairs.empty()) return {};
  Finding finding{.topic = "GPU pairs", .text = links_text(pairs)};
  if (std::ranges::find(pairs, GpuLink::kHost) != pairs.end()) {
    finding.verdict = Verdict::kWarning;
    finding.remedy =
        "gradients go through the host: look at nvidia-smi topo -m; in a container, let each rank see all GPUs of its "
        "node";
  }
  return {finding};
}

Findings check_gpus([[maybe_unused]] int ranks, const fs::path& root) {
  const std::ptrdiff_t there = gpus_of_driver(root);
#ifdef CHARRNN_CUDA
  Findings findings = check_seen(ranks);
  if (!findings.empty()) return findings;
  if (there == 0) return {{.topic = "GPUs", .text = "none; this program computes on the CPU here"}};
  return {{Verdict::kFault, "GPUs", fmt::format("the driver has {}, this process sees none", there),
           "look at CUDA_VISIBLE_DEVICES, and ask the batch system for GPUs (--gpus-per-node N)"}};
#else
  if (there == 0) return {{.topic = "GPUs", .text = "none, and this program was built for CPUs only"}};
  return {{Verdict::kWarning, "GPUs", fmt::format("{}, which this program, built for CPUs only, cannot use", there),
           "build it with cmake --preset cuda"}};
#endif
}

}  // namespace charrnn
