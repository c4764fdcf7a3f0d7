// Collectives over NCCL in GPU memory. Only in the CUDA build.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "dist/communicator.hpp"
#include "dist/device_memory.hpp"
#include "dist/nccl_group.hpp"
#include "dist/stream_events.hpp"

namespace charrnn {

/// UsageError unless the NCCL that was loaded is of the major version that the program was built with, and
/// not older. Says which file was loaded.
void check_nccl_version();

/// Spans lie in memory that `memory` gives out, and their contents may still be on their way to there on the
/// stream of `events`. Collectives are work in that stream; all that were begun go there as one launch.
///
/// When a call fails or misses its deadline the communicator is lost: it is aborted, once, or left behind with a thread
/// that hangs inside NCCL, and the call throws CommError; later calls throw at once. NCCL and the device are then in
/// doubt: CommError::exit_at_once() is true.
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

  void begin_all_reduce_sum(std::span<float> data) override;
  void begin_all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                        std::span<float> receive, std::span<const std::int64_t> receive_counts, Then then) override;
  void begin_all_gather(std::span<const float> mine, std::span<float> all,
                        std::span<const std::int64_t> counts) override;
  void begin_all_reduce_sum_after(Moment moment, std::span<float> data) override;
  void finish_begun() override;
  void queue_begun() override;
  void wait_queued(const std::function<bool()>& is_complete) override;

 protected:
  bool exits_at_once() const override { return true; }

 private:
  struct Handle;
  /// A call that was begun and is not in the stream yet.
  struct Begun {
    Call call;
    NcclGroup group = {};
    Then then = {};
    Moment moment = nullptr;  ///< to begin at, beside the stream
  };
  /// What is in the stream: one launch, with a mark behind it. The first of its calls stands for all.
  struct Queued {
    Call call;
    StreamEvents* stream;
    StreamEvents::Mark mark;
    bool has_passed() const { return stream->has_passed(mark); }
  };

  /// Counts a call, for the caller to fill in.
  NcclGroup& begin(const char* collective, Then then = {});
  /// Puts them into a stream, as one launch that waits for `moment`.
  void launch(const std::vector<Begun>& calls, const std::shared_ptr<StreamEvents>& stream, Moment moment = nullptr);
  /// Does work for `call`; if that fails, or the device does, aborts and throws the CommError of the call.
  void with_device(const Call& call, const std::function<void()>& work);
  void initialise(Communicator& control);
  /// For what may hang inside NCCL: waits for `work`, on a thread of its own, up to the deadline of `call`.
  ncclResult_t run_bounded(const Call& call, std::function<ncclResult_t()> work);
  /// Drops what the stream has done from `queued_`.
  void forget_passed();
  void abort();
  void close();

  int rank_;
  int size_;
  std::shared_ptr<Handle> handle_;        ///< shared with threads that hang inside NCCL
  std::shared_ptr<StreamEvents> events_;  ///< the same
  std::shared_ptr<StreamEvents> beside_;  ///< null until it is needed
  std::unique_ptr<DeviceMemory> memory_;
  float* scratch_ = nullptr;  ///< one element, for barriers
  std::vector<Begun> begun_;
  std::deque<Queued> queued_;
  std::set<NcclGroup::Shape> launched_;  ///< what NCCL has connected the ranks for
  int exceptions_at_start_;              ///< in flight when this was made: tells an unwinding from a normal end
};

}  // namespace charrnn
