#include "dist/cuda_runtime.hpp"

#include <cuda_runtime_api.h>

#include <array>
#include <deque>
#include <optional>

#include "base/error.hpp"
#include "dist/cuda_check.hpp"
#include "dist/gpu_failure.hpp"

namespace charrnn {

namespace {

// gpu_trouble() knows the errors by number.
static_assert(cudaErrorMemoryAllocation == 2 && cudaErrorNoDevice == 100 && cudaErrorECCUncorrectable == 214 &&
              cudaErrorContained == 226 && cudaErrorLaunchFailure == 719 && cudaErrorMpsRpcFailure == 806);

class CudaMemory final : public DeviceMemory {
 public:
  void* allocate(std::size_t bytes) override {
    void* memory = nullptr;
    check_cuda(cudaMalloc(&memory, bytes), "cudaMalloc");
    return memory;
  }
  void release(void* memory) override { cudaFree(memory); }
  void to_host(void* host, const void* device, std::size_t bytes) override {
    check_cuda(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost), "copy from the GPU");
  }
  void to_device(void* device, const void* host, std::size_t bytes) override {
    check_cuda(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice), "copy to the GPU");
  }
};

class CudaStreamEvents final : public StreamEvents {
 public:
  explicit CudaStreamEvents(cudaStream_t stream) : stream_(stream) {
    check_cuda(cudaGetDevice(&device_), "cudaGetDevice");
  }
  ~CudaStreamEvents() override {
    if (stream_ != nullptr) cudaStreamDestroy(stream_);  // does not wait for it
    for (const std::deque<cudaEvent_t>* events : {&ahead_, &spare_}) {
      for (cudaEvent_t event : *events) cudaEventDestroy(event);
    }
  }
  CudaStreamEvents(const CudaStreamEvents&) = delete;
  CudaStreamEvents& operator=(const CudaStreamEvents&) = delete;

  void make_current() override { select_cuda_device(device_); }
  Mark record() override {
    if (spare_.empty()) {
      cudaEvent_t event = nullptr;
      check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate");
      spare_.push_back(event);
    }
    check_cuda(cudaEventRecord(spare_.back(), stream_), "cudaEventRecord");
    ahead_.push_back(spare_.back());
    spare_.pop_back();
    return passed_ + ahead_.size();
  }
  bool has_passed(Mark mark) override {
    for (; passed_ < mark; ++passed_) {
      if (!cuda_event_has_passed(ahead_.front(), "its queue")) return false;
      spare_.push_back(ahead_.front());
      ahead_.pop_front();
    }
    return true;
  }
  void* stream() override { return stream_; }
  std::unique_ptr<StreamEvents> beside() override {
    cudaStream_t stream = nullptr;
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    return std::make_unique<CudaStreamEvents>(stream);
  }
  void* latest() override { return ahead_.empty() ? nullptr : ahead_.back(); }
  void wait_for(void* event) override {
    if (event == nullptr) return;
    check_cuda(cudaStreamWaitEvent(stream_, static_cast<cudaEvent_t>(event), 0), "cudaStreamWaitEvent");
  }

 private:
  cudaStream_t stream_;  ///< its own, or null: the default stream
  int device_ = 0;
  Mark passed_ = 0;                        ///< marks behind which the stream is
  std::deque<cudaEvent_t> ahead_, spare_;  ///< events of the marks that come next, and those that are free
};

std::optional<std::string> bus_of(int index) {
  std::array<char, 32> bus{};
  if (cudaDeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()), index) != cudaSuccess) return std::nullopt;
  return bus.data();
}

}  // namespace

void check_cuda(int status, const char* what) {
  if (status == cudaSuccess) return;
  throw gpu_error(gpu_trouble(status), current_cuda_device(),
                  fmt::format("{}: {}", what, cudaGetErrorString(static_cast<cudaError_t>(status))));
}

bool cuda_event_has_passed(void* event, const char* what) {
  const cudaError_t status = cudaEventQuery(static_cast<cudaEvent_t>(event));
  if (status == cudaErrorNotReady) {
    // "Not ready" is kept as the last error, where LibTorch's own checks would take it for a failure.
    cudaGetLastError();
    return false;
  }
  check_cuda(status, what);
  return true;
}

int cuda_device_count() {
  int count = 0;
  // On an error the call leaves its argument as it was, and an error that LibTorch would trip over later.
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return count;
}

void select_cuda_device(int index) {
  const cudaError_t status = cudaSetDevice(index);
  if (status == cudaSuccess) return;
  throw gpu_error(gpu_trouble(status), fmt::format("GPU {}", index), cudaGetErrorString(status));
}

std::string current_cuda_device() {
  int index = 0;
  if (cudaGetDevice(&index) != cudaSuccess) return "the GPU";
  const std::optional<std::string> bus = bus_of(index);
  return bus ? fmt::format("GPU {} ({})", index, *bus) : fmt::format("GPU {}", index);
}

std::string cuda_device_bus(int index) {
  const std::optional<std::string> bus = bus_of(index);
  require<UsageError>(bus.has_value(), "cannot read where GPU {} is (its PCI bus id)", index);
  return *bus;
}

std::string cuda_device_uuid(int index) {
  cudaDeviceProp properties;
  const cudaError_t status = cudaGetDeviceProperties(&properties, index);
  require<UsageError>(status == cudaSuccess, "cannot read the UUID of GPU {}: {}", index, cudaGetErrorString(status));
  std::string text = "GPU";
  for (int i = 0; i < 16; ++i) {
    const bool starts_group = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
    text += fmt::format("{}{:02x}", starts_group ? "-" : "", static_cast<unsigned char>(properties.uuid.bytes[i]));
  }
  return text;
}

GpuLink cuda_link(int one, int other) {
  int can = 0, atomics = 0;
  if (cudaDeviceCanAccessPeer(&can, one, other) != cudaSuccess) cudaGetLastError();
  if (can == 0) return GpuLink::kHost;
  // What tells NVLink from PCIe without NVIDIA's management library.
  if (cudaDeviceGetP2PAttribute(&atomics, cudaDevP2PAttrNativeAtomicSupported, one, other) != cudaSuccess) {
    cudaGetLastError();
  }
  return atomics != 0 ? GpuLink::kNvlink : GpuLink::kPcie;
}

std::unique_ptr<DeviceMemory> make_cuda_memory() {
  return std::make_unique<CudaMemory>();
}
std::unique_ptr<StreamEvents> make_cuda_stream_events() {
  return std::make_unique<CudaStreamEvents>(nullptr);
}

}  // namespace charrnn
