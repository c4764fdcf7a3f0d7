// Collectives over NCCL in GPU memory. Only in the CUDA build.
#pragma once

#include <memory>

#include "dist/communicator.hpp"
#include "dist/device_memory.hpp"
#include "dist/stream_events.hpp"

namespace charrnn {

/// UsageError unless the NCCL that was loaded is of the major version that the program was built with, and
/// not older. Says which file was loaded.
void check_nccl_version();

/// Spans lie in memory that `memory` gives out, and their contents may still be on their way to there on the
/// stream of `events`. Every call returns when its result is there.
///
/// When a call fails or misses its deadline the communicator is aborted, once, and the call throws CommError;
/// later calls throw at once. NCCL and the device are then in doubt: CommError::exit_at_once() is true.
class NcclCommunicator final : public Communicator {
 public:
  /// Collective over all ranks of `control`, which carries the id from rank 0 to the others. The current
  /// device is this rank's. Throws UsageError for the wrong library, CommError if the ranks don't meet within
  /// the deadline.
  NcclCommunicator(Communicator& control, std::unique_ptr<StreamEvents> events, std::unique_ptr<DeviceMemory> memory,
                   Seconds timeout);
  ~NcclCommunicator() override;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string name() const override { return "NCCL"; }

  void all_reduce_sum(std::span<float> data) override;
  void all_reduce_sum(std::span<double> data) override;
  void all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts, std::span<float> receive,
                  std::span<const std::int64_t> receive_counts) override;
  void all_gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts) override;
  void gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts,
              int root) override;
  void broadcast(std::span<std::byte> data, int root) override;
  void barrier() override;

 protected:
  bool exits_at_once() const override { return true; }

 private:
  struct Handle;

  /// Opens a call: counts it, and refuses it after an abort.
  void begin(const char* collective);
  /// Waits for what was enqueued (`enqueued` is what NCCL said to it); aborts and throws if it fails.
  void finish(const char* collective, int enqueued);
  void initialise(Communicator& control);
  void abort();
  void close();

  int rank_;
  int size_;
  std::unique_ptr<Handle> handle_;
  std::unique_ptr<StreamEvents> events_;
  std::unique_ptr<DeviceMemory> memory_;
  float* scratch_ = nullptr;  ///< one element, for barriers
  int exceptions_at_start_;   ///< in flight when this was made: tells an unwinding from a normal end
};

}  // namespace charrnn
