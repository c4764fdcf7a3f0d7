// The collectives that ranks work together with. Implementations: SelfCommunicator for one rank alone, MpiCommunicator,
// NcclCommunicator, and HostStagedCommunicator for GPUs without NCCL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "dist/deadline.hpp"
#include "dist/roll_call.hpp"

namespace charrnn {

/// A collective that did not finish: a rank died, froze or left, or the network is gone. After it nobody may
/// call another collective; the process has to end.
class CommError : public Error {
 public:
  CommError(int rank, std::int64_t step, std::string collective, std::uint64_t sequence, Seconds waited,
            const std::string& reason, bool exit_at_once = false);

  int rank() const { return rank_; }                             ///< the rank that noticed
  std::int64_t step() const { return step_; }                    ///< training step it was in
  const std::string& collective() const { return collective_; }  ///< e.g. "all_reduce_sum"
  std::uint64_t sequence() const { return sequence_; }           ///< number of the call on this communicator
  Seconds waited() const { return waited_; }
  /// True if a library that failed may hang when the process ends in order: print, flush and _Exit instead.
  bool exit_at_once() const { return exit_at_once_; }

 private:
  int rank_;
  std::int64_t step_;
  std::string collective_;
  std::uint64_t sequence_;
  Seconds waited_;
  bool exit_at_once_;
};

/// Every call is collective: all ranks make the same calls in the same order with matching sizes. Every call
/// returns within the deadline or throws CommError. Spans lie in the memory the communicator works on: host
/// memory for MPI, device memory for NCCL. Empty spans are allowed.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Name for messages: "MPI" or "NCCL".
  virtual std::string name() const = 0;

  /// Element-wise sum over all ranks, in place, same result on every rank.
  virtual void all_reduce_sum(std::span<float> data) = 0;
  virtual void all_reduce_sum(std::span<double> data) = 0;

  /// `send` holds size() slices one after the other, slice r has send_counts[r] elements and goes to rank r;
  /// `receive` gets the slices of ranks 0, 1, … one after the other, receive_counts[r] from rank r.
  virtual void all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                          std::span<float> receive, std::span<const std::int64_t> receive_counts) = 0;

  /// Every rank gives `mine` (counts[rank()] elements); `all` gets everyone's in rank order.
  virtual void all_gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts) = 0;

  /// As all_gather, but only `root` receives (elsewhere `all` may be empty).
  virtual void gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts,
                      int root) = 0;

  /// Root's bytes to everyone.
  virtual void broadcast(std::span<std::byte> data, int root) = 0;

  virtual void barrier() = 0;

  /// Memory of this communicator's for so many floats, in which all_reduce_sum() costs less. A sum lies in it on all ranks
  /// or on none. Empty: any memory does. Collective.
  virtual std::span<float> memory_for_sums(std::size_t /*floats*/) { return {}; }

  // In the background: calls that have begun make progress while the caller computes and poll()s now and then.
  // finish_begun() waits for all of them; it must come before any other collective, and until then their buffers must
  // not be touched. The `then` of an all_to_all runs, in poll() or finish_begun(), when that call and all that began
  // before it have ended; it may begin more calls, but none with a `then`. Errors are thrown by finish_begun(). A
  // communicator that cannot work in the background does everything there.
  using Then = std::function<void()>;
  virtual void begin_all_reduce_sum(std::span<float> data);
  virtual void begin_all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                std::span<float> receive, std::span<const std::int64_t> receive_counts, Then then);
  virtual void begin_all_gather(std::span<const float> mine, std::span<float> all,
                                std::span<const std::int64_t> counts);
  virtual void poll() {}
  virtual void finish_begun();

  // Without waiting for the device: from queue_begun() on, what was begun is work in the device's queue like the kernels before
  // and after it, and other collectives may follow.
  //
  //     communicator.begin_all_reduce_sum(gradient);
  //     communicator.queue_begun();
  //     …  // queue what uses the sums, set a mark behind it, queue the next step
  //     communicator.wait_queued([&] { return mark.has_passed(); });

  /// Starts what was begun and not yet started, in the background: what the device's queue gets from now on comes after it. The
  /// caller goes on at once where the communicator works on a device's queue (NCCL); a `then` runs here, and what it puts into
  /// the queue comes after its call. Elsewhere this is finish_begun().
  virtual void queue_begun();
  /// A point in the work of the device that is queued already, perhaps far ahead of its end: a cudaEvent_t, recorded between two
  /// kernels or by a node of a graph.
  using Moment = void*;
  /// As begin_all_reduce_sum, for `data` that is complete at `moment`. With NCCL the sum begins then, in a queue of its own beside
  /// the device's; what the device's queue gets after queue_begun() comes after the sum, too.
  ///
  ///     graph.launch();  // of the backward pass, with an event where a layer's gradient is complete
  ///     communicator.begin_all_reduce_sum_after(top_layer_event, top_layer_gradient);
  ///     communicator.begin_all_reduce_sum(rest_of_gradient);
  ///     communicator.queue_begun();
  virtual void begin_all_reduce_sum_after(Moment moment, std::span<float> data);
  /// Waits, as long as a collective may take, until `is_complete` says so: for a mark in the device's queue behind what
  /// queue_begun() put there. Throws CommError if the communicator has failed meanwhile, or when the deadline has passed. The error
  /// names the first collective that has not ended, and the step that began it. If all have ended, then the device itself hangs,
  /// and the error says that; so it is with one rank alone.
  virtual void wait_queued(const std::function<bool()>& is_complete);

  /// The step that error messages name.
  void set_step(std::int64_t step) { step_ = step; }
  std::int64_t step() const { return step_; }
  /// How long a call waits for the other ranks, not counting time in which this process was suspended.
  void set_timeout(Seconds timeout) { timeout_ = timeout; }
  Seconds timeout() const { return timeout_; }
  /// Finds the ranks that are missing when a call misses its deadline; null where that cannot be found out. All
  /// communicators of a job share one, since ranks may wait in different ones.
  void set_roll_call(std::shared_ptr<RollCall> roll_call) { roll_call_ = std::move(roll_call); }
  const std::shared_ptr<RollCall>& roll_call() const { return roll_call_; }
  /// Collectives started so far.
  std::uint64_t sequence() const { return sequence_; }

 protected:
  /// What messages say of a call.
  struct Call {
    const char* collective;
    std::uint64_t number;
    std::int64_t step;
  };

  explicit Communicator(Seconds timeout) : timeout_(timeout) {}

  /// What CommError::exit_at_once() says for this communicator.
  virtual bool exits_at_once() const { return false; }
  void count_call() { ++sequence_; }
  /// The call that begins.
  Call next_call(const char* collective) { return {collective, ++sequence_, step_}; }

  /// Polls `is_complete` until it says true; throws CommError when timeout() has passed, and says who is missing.
  /// Spins briefly, then yields the core, since ranks may share cores.
  void wait(const Call& call, const std::function<bool()>& is_complete);
  /// Throws the CommError of `call` for a failure that is not a deadline.
  [[noreturn]] void fail(const Call& call, Seconds waited, const std::string& reason) const;

 private:
  /// Calls `look` between the polls, and answers roll calls.
  void poll_until(const std::function<bool()>& is_complete, const std::function<void()>& look);

  Seconds timeout_;
  std::shared_ptr<RollCall> roll_call_;
  std::int64_t step_ = 0;
  std::uint64_t sequence_ = 0;
  std::deque<std::function<void()>> begun_;
};

/// Sends a string of any length from root to all.
std::string broadcast_string(Communicator& communicator, std::string text, int root);

/// Everyone's string, by rank, to all.
std::vector<std::string> gather_strings(Communicator& communicator, const std::string& mine);

}  // namespace charrnn
