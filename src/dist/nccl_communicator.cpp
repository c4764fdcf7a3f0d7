#include "dist/nccl_communicator.hpp"

#include <dlfcn.h>
#include <nccl.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <future>
#include <thread>
#include <utility>

#include "dist/agreement.hpp"

namespace charrnn {

namespace {

constexpr Seconds kAbortLimit{3};  // ncclCommAbort can itself hang, and the process is about to end anyway
constexpr Seconds kCloseLimit{5};

std::string library_file() {
  Dl_info info{};
  const bool found = dladdr(reinterpret_cast<const void*>(&ncclGetVersion), &info) != 0;
  return found && info.dli_fname != nullptr ? info.dli_fname : "an unknown file";
}

std::string version_text(int code) {
  return fmt::format("{}.{}.{}", code / 10000, code / 100 % 100, code % 100);
}

/// What went wrong, in NCCL's words.
std::string describe(ncclResult_t result, ncclComm_t comm) {
  std::string text = ncclGetErrorString(result);
  const char* detail = ncclGetLastError(comm);
  if (detail != nullptr && *detail != '\0') text += fmt::format(" ({})", detail);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// Runs `work` on a thread of its own and waits for it, but not longer than `limit`: then the thread is left
/// behind, and `work` must own all it touches.
template <class Work>
bool run_bounded(Work work, Seconds limit) {
  std::packaged_task<void()> task(std::move(work));
  const std::future<void> done = task.get_future();
  std::thread(std::move(task)).detach();
  constexpr Seconds kBetweenLooks{0.05};
  Deadline deadline(limit);
  while (done.wait_for(kBetweenLooks) != std::future_status::ready) {
    if (deadline.has_passed()) return false;
  }
  return true;
}

/// The first of several results that is neither success nor "in progress", else the last.
ncclResult_t worst(ncclResult_t first, ncclResult_t second) {
  const bool is_fine = first == ncclSuccess || first == ncclInProgress;
  return is_fine ? second : first;
}

}  // namespace

void check_nccl_version() {
  int loaded = 0;
  const ncclResult_t result = ncclGetVersion(&loaded);
  require<UsageError>(
      result == ncclSuccess && loaded / 10000 == NCCL_VERSION_CODE / 10000 && loaded >= NCCL_VERSION_CODE,
      "the NCCL that was loaded is {} ({}), but this program was built with {} and needs {}.x, not older: "
      "take that folder out of LD_LIBRARY_PATH, or build again with its headers, or use `comm` mpi",
      version_text(loaded), library_file(), version_text(NCCL_VERSION_CODE), NCCL_MAJOR);
}

struct NcclCommunicator::Handle {
  ncclComm_t comm = nullptr;
  bool is_aborted = false;
};

NcclCommunicator::NcclCommunicator(Communicator& control, std::unique_ptr<StreamEvents> events,
                                   std::unique_ptr<DeviceMemory> memory, Seconds timeout)
    : Communicator(timeout),
      rank_(control.rank()),
      size_(control.size()),
      handle_(std::make_unique<Handle>()),
      events_(std::move(events)),
      memory_(std::move(memory)),
      exceptions_at_start_(std::uncaught_exceptions()) {
  set_step(control.step());
  set_roll_call(control.roll_call());
  together(control, [&] {
    check_nccl_version();
    const float zero = 0;
    scratch_ = static_cast<float*>(memory_->allocate(sizeof(float)));
    memory_->to_device(scratch_, &zero, sizeof zero);
  });
  initialise(control);
}

void NcclCommunicator::initialise(Communicator& control) {
  const std::string bytes = on_root(control, [&] {
    ncclUniqueId id;
    const ncclResult_t result = ncclGetUniqueId(&id);
    require<UsageError>(result == ncclSuccess, "NCCL cannot start: {}; NCCL_DEBUG=INFO says more, or use `comm` mpi",
                        describe(result, nullptr));
    return std::string(id.internal, sizeof id.internal);
  });
  ncclUniqueId id;
  std::memcpy(id.internal, bytes.data(), sizeof id.internal);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;  // otherwise a rank that never comes would hold the others forever
  const ncclResult_t started = ncclCommInitRankConfig(&handle_->comm, size_, id, rank_, &config);
  const auto failed = [&](ncclResult_t result) {
    const std::string reason = describe(result, handle_->comm) + "; NCCL_DEBUG=INFO says more";
    fail("init", sequence(), Seconds(0), reason);
  };
  try {
    if (started != ncclSuccess && started != ncclInProgress) failed(started);
    wait("init", sequence(), [&] {
      ncclResult_t state = ncclInternalError;
      const ncclResult_t asked = ncclCommGetAsyncError(handle_->comm, &state);
      if (asked != ncclSuccess) failed(asked);
      if (state != ncclSuccess && state != ncclInProgress) failed(state);
      return state == ncclSuccess;
    });
  } catch (const CommError&) {
    abort();
    throw;
  }
}

NcclCommunicator::~NcclCommunicator() {
  // Closing waits for the other ranks; one that leaves with an error must not.
  if (std::uncaught_exceptions() > exceptions_at_start_) abort();
  if (!handle_->is_aborted) close();
  // After an abort the device may never answer again, and freeing memory waits for it.
  if (!handle_->is_aborted) memory_->release(scratch_);
}

void NcclCommunicator::close() {
  const bool is_closed = run_bounded(
      [comm = handle_->comm] {
        ncclResult_t state = ncclCommFinalize(comm);
        while (state == ncclInProgress) {
          if (ncclCommGetAsyncError(comm, &state) != ncclSuccess) return;
          std::this_thread::yield();
        }
        if (state == ncclSuccess) ncclCommDestroy(comm);
      },
      kCloseLimit);
  if (!is_closed) handle_->is_aborted = true;  // its thread is still inside NCCL: leave all as it is
}

void NcclCommunicator::abort() {
  if (std::exchange(handle_->is_aborted, true) || handle_->comm == nullptr) return;
  run_bounded([comm = handle_->comm] { ncclCommAbort(comm); }, kAbortLimit);
}

void NcclCommunicator::begin(const char* collective) {
  count_call();
  if (handle_->is_aborted)
    fail(collective, sequence(), Seconds(0), "an earlier collective failed and ended this communicator");
}

void NcclCommunicator::finish(const char* collective, int enqueued) {
  const auto start = std::chrono::steady_clock::now();
  const auto failed = [&](const std::string& reason) {
    fail(collective, sequence(), std::chrono::steady_clock::now() - start, reason);
  };
  try {
    const auto result = static_cast<ncclResult_t>(enqueued);
    if (result != ncclSuccess && result != ncclInProgress) failed(describe(result, handle_->comm));
    bool is_recorded = false;
    wait(collective, sequence(), [&] {
      ncclResult_t state = ncclInternalError;
      const ncclResult_t asked = ncclCommGetAsyncError(handle_->comm, &state);
      if (asked != ncclSuccess) failed(describe(asked, handle_->comm));
      // Not on the stream yet: a mark set now would lie before the collective.
      if (state == ncclInProgress) return false;
      if (state != ncclSuccess) failed(describe(state, handle_->comm));
      if (!std::exchange(is_recorded, true)) events_->record();
      return events_->is_complete();
    });
  } catch (const CommError&) {
    abort();
    throw;
  } catch (const Error& error) {  // from the device
    abort();
    failed(error.what());
  }
}

void NcclCommunicator::all_reduce_sum(std::span<float> data) {
  begin("all_reduce_sum");
  if (data.empty()) return;
  finish("all_reduce_sum", ncclAllReduce(data.data(), data.data(), data.size(), ncclFloat32, ncclSum, handle_->comm,
                                         static_cast<cudaStream_t>(events_->stream())));
}

void NcclCommunicator::all_reduce_sum(std::span<double> data) {
  begin("all_reduce_sum");
  if (data.empty()) return;
  finish("all_reduce_sum", ncclAllReduce(data.data(), data.data(), data.size(), ncclFloat64, ncclSum, handle_->comm,
                                         static_cast<cudaStream_t>(events_->stream())));
}

void NcclCommunicator::all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                  std::span<float> receive, std::span<const std::int64_t> receive_counts) {
  begin("all_to_all");
  const auto stream = static_cast<cudaStream_t>(events_->stream());
  const float* from = send.data();
  float* to = receive.data();
  ncclResult_t result = ncclGroupStart();
  for (int peer = 0; peer < size_; ++peer) {
    const auto sent = static_cast<std::size_t>(send_counts[static_cast<std::size_t>(peer)]);
    const auto received = static_cast<std::size_t>(receive_counts[static_cast<std::size_t>(peer)]);
    if (sent > 0) result = worst(result, ncclSend(from, sent, ncclFloat32, peer, handle_->comm, stream));
    if (received > 0) result = worst(result, ncclRecv(to, received, ncclFloat32, peer, handle_->comm, stream));
    from += sent;
    to += received;
  }
  result = worst(result, ncclGroupEnd());
  finish("all_to_all", result);
}

void NcclCommunicator::all_gather(std::span<const float> mine, std::span<float> all,
                                  std::span<const std::int64_t> counts) {
  begin("all_gather");
  const auto stream = static_cast<cudaStream_t>(events_->stream());
  // NCCL gathers equal parts. A larger last one sends its rest by itself; other parts are so many broadcasts, which with many
  // ranks take as many rounds.
  const std::int64_t each = counts.front();
  const bool are_equal =
      std::ranges::all_of(counts.first(counts.size() - 1), [&](auto n) { return n == each; }) && counts.back() >= each;
  const std::size_t gathered = are_equal ? static_cast<std::size_t>(each) : 0;
  ncclResult_t result = ncclGroupStart();
  if (gathered > 0) {
    result = worst(result, ncclAllGather(mine.data(), all.data(), gathered, ncclFloat32, handle_->comm, stream));
  }
  float* to = all.data() + gathered * static_cast<std::size_t>(size_);
  for (int root = 0; root < size_; ++root) {
    const std::size_t count = static_cast<std::size_t>(counts[static_cast<std::size_t>(root)]) - gathered;
    const float* from = root == rank_ ? mine.data() + gathered : to;
    if (count > 0) result = worst(result, ncclBroadcast(from, to, count, ncclFloat32, root, handle_->comm, stream));
    to += count;
  }
  result = worst(result, ncclGroupEnd());
  finish("all_gather", result);
}

void NcclCommunicator::gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts,
                              int root) {
  begin("gather");
  const auto stream = static_cast<cudaStream_t>(events_->stream());
  ncclResult_t result = ncclGroupStart();
  if (!mine.empty())
    result = worst(result, ncclSend(mine.data(), mine.size(), ncclFloat32, root, handle_->comm, stream));
  float* to = all.data();
  for (int peer = 0; peer < size_ && rank_ == root; ++peer) {
    const auto count = static_cast<std::size_t>(counts[static_cast<std::size_t>(peer)]);
    if (count > 0) result = worst(result, ncclRecv(to, count, ncclFloat32, peer, handle_->comm, stream));
    to += count;
  }
  result = worst(result, ncclGroupEnd());
  finish("gather", result);
}

void NcclCommunicator::broadcast(std::span<std::byte> data, int root) {
  begin("broadcast");
  if (data.empty()) return;
  finish("broadcast", ncclBroadcast(data.data(), data.data(), data.size(), ncclUint8, root, handle_->comm,
                                    static_cast<cudaStream_t>(events_->stream())));
}

void NcclCommunicator::barrier() {
  begin("barrier");
  finish("barrier", ncclAllReduce(scratch_, scratch_, 1, ncclFloat32, ncclSum, handle_->comm,
                                  static_cast<cudaStream_t>(events_->stream())));
}

}  // namespace charrnn
