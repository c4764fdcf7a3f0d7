#include "dist/nccl_communicator.hpp"

#include <dlfcn.h>
#include <nccl.h>

#include <algorithm>
#include <chrono>
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
constexpr const char* kEarlierFailure = "an earlier collective failed and ended this communicator";

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

/// Success, unless NCCL has failed since the last call.
ncclResult_t state_of(ncclComm_t comm) {
  ncclResult_t state = ncclInternalError;
  const ncclResult_t asked = ncclCommGetAsyncError(comm, &state);
  return asked == ncclSuccess ? state : asked;
}

/// Runs `work`, which must own all it touches, on a thread of its own that nobody has to wait for.
template <class Work>
auto start(Work work) {
  std::packaged_task<decltype(work())()> task(std::move(work));
  auto result = task.get_future();
  std::thread(std::move(task)).detach();
  return result;
}

template <class Result>
bool ends_within(const std::future<Result>& result, Seconds limit) {
  return result.wait_for(limit) == std::future_status::ready;
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
  bool is_lost = false;  ///< aborted, or a thread hangs in it: nobody may touch it any more
};

NcclCommunicator::NcclCommunicator(Communicator& control, std::unique_ptr<StreamEvents> events,
                                   std::unique_ptr<DeviceMemory> memory, Seconds timeout)
    : Communicator(timeout),
      rank_(control.rank()),
      size_(control.size()),
      handle_(std::make_shared<Handle>()),
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
  const Call call{"init", sequence(), step()};
  // Blocking, since a communicator that is not starts a thread for every group. It may hang here, for a rank that never comes.
  const ncclResult_t result = run_bounded(call, [handle = handle_, size = size_, rank = rank_, id] {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 1;
    return ncclCommInitRankConfig(&handle->comm, size, id, rank, &config);
  });
  if (result == ncclSuccess) return;
  const std::string reason = result == ncclInProgress
                                 ? "unset NCCL_COMM_BLOCKING; NCCL must not be told to work without blocking"
                                 : describe(result, handle_->comm) + "; NCCL_DEBUG=INFO says more";
  abort();
  fail(call, Seconds(0), reason);
}

NcclCommunicator::~NcclCommunicator() {
  // Closing waits for the other ranks; one that leaves with an error must not.
  if (std::uncaught_exceptions() > exceptions_at_start_) abort();
  if (!handle_->is_lost) close();
  // After an abort the device may never answer again, and freeing memory waits for it.
  if (!handle_->is_lost) memory_->release(scratch_);
}

void NcclCommunicator::close() {
  const auto closed = start([handle = handle_, events = events_] {
    events->make_current();
    if (ncclCommFinalize(handle->comm) == ncclSuccess) ncclCommDestroy(handle->comm);
  });
  if (!ends_within(closed, kCloseLimit)) handle_->is_lost = true;
}

void NcclCommunicator::abort() {
  if (std::exchange(handle_->is_lost, true) || handle_->comm == nullptr) return;
  const auto aborted = start([handle = handle_, events = events_] {
    events->make_current();
    ncclCommAbort(handle->comm);
  });
  ends_within(aborted, kAbortLimit);
}

ncclResult_t NcclCommunicator::run_bounded(const Call& call, std::function<ncclResult_t()> work) {
  auto result = start([events = events_, work = std::move(work)] {
    events->make_current();
    return work();
  });
  try {
    wait(call, [&] { return ends_within(result, Seconds(0)); });
  } catch (const CommError&) {
    // An abort frees the communicator, perhaps before the thread that hangs in it has left. Only where a collective in the
    // stream waits for other ranks is it worth that: until it ends, whatever waits for the device would hang, too.
    if (queued_.empty()) handle_->is_lost = true;
    abort();
    throw;
  }
  return result.get();
}

NcclGroup& NcclCommunicator::begin(const char* collective, Then then) {
  return begun_.emplace_back(Begun{next_call(collective), {}, std::move(then)}).group;
}

void NcclCommunicator::queue_begun() {
  while (!begun_.empty()) {  // twice where a `then` begins more
    std::vector<Begun> calls = std::exchange(begun_, {});
    const auto beside =
        std::stable_partition(calls.begin(), calls.end(), [](const Begun& one) { return one.moment == nullptr; });
    for (auto one = beside; one != calls.end(); ++one) {
      with_device(one->call, [&] {
        if (!beside_) beside_ = events_->beside();
      });
      launch({*one}, beside_, one->moment);
    }
    if (beside != calls.end()) {
      with_device(beside->call, [&] { events_->wait_for(beside_->latest()); });
    }
    calls.erase(beside, calls.end());
    if (!calls.empty()) launch(calls, events_);
    for (const Begun& one : calls) {
      if (one.then) one.then();
    }
  }
}

void NcclCommunicator::launch(const std::vector<Begun>& calls, const std::shared_ptr<StreamEvents>& stream,
                              Moment moment) {
  const Call& first = calls.front().call;
  if (handle_->is_lost) fail(first, Seconds(0), kEarlierFailure);
  NcclGroup group;
  for (const Begun& one : calls) group.append(one.group);
  if (group.is_empty()) return;
  const auto launched = [handle = handle_, group, stream] {
    return group.launch(handle->comm, static_cast<cudaStream_t>(stream->stream()));
  };
  with_device(first, [&] {
    forget_passed();
    stream->wait_for(moment);
    // NCCL connects ranks when they first need it, which depends on all that Shape holds, and that can hang.
    const bool is_connected = launched_.contains(group.shape());
    const ncclResult_t result = is_connected ? launched() : run_bounded(first, launched);
    if (result != ncclSuccess) fail(first, Seconds(0), describe(result, handle_->comm));
    if (!is_connected) launched_.insert(group.shape());
    queued_.push_back({first, stream.get(), stream->record()});
  });
}

void NcclCommunicator::with_device(const Call& call, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  try {
    work();
  } catch (const CommError&) {
    abort();
    throw;
  } catch (const Error& error) {  // from the device
    const Seconds waited = std::chrono::steady_clock::now() - start;
    abort();
    fail(call, waited, error.what());
  }
}

void NcclCommunicator::forget_passed() {
  while (!queued_.empty() && queued_.front().has_passed()) queued_.pop_front();
}

void NcclCommunicator::wait_queued(const std::function<bool()>& is_complete) {
  for (bool has_ended = false; !has_ended && !queued_.empty();) {
    const Queued first = queued_.front();
    if (handle_->is_lost) fail(first.call, Seconds(0), kEarlierFailure);
    with_device(first.call, [&] {
      const auto start = std::chrono::steady_clock::now();
      wait(first.call, [&] {
        const ncclResult_t state = state_of(handle_->comm);
        if (state != ncclSuccess) {
          fail(first.call, std::chrono::steady_clock::now() - start, describe(state, handle_->comm));
        }
        has_ended = is_complete();
        return has_ended || first.has_passed();
      });
      forget_passed();
    });
  }
  Communicator::wait_queued(is_complete);  // the device has more to do than what was queued here
}

void NcclCommunicator::finish_begun() {
  queue_begun();
  wait_queued([this] { return queued_.empty(); });
}

void NcclCommunicator::begin_all_reduce_sum(std::span<float> data) {
  begin("all_reduce_sum").all_reduce(data.data(), data.data(), data.size(), ncclFloat32);
}

void NcclCommunicator::begin_all_reduce_sum_after(Moment moment, std::span<float> data) {
  begin_all_reduce_sum(data);
  begun_.back().moment = moment;
}

void NcclCommunicator::begin_all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                        std::span<float> receive, std::span<const std::int64_t> receive_counts,
                                        Then then) {
  NcclGroup& group = begin("all_to_all", std::move(then));
  const float* from = send.data();
  float* to = receive.data();
  for (int peer = 0; peer < size_; ++peer) {
    const auto sent = static_cast<std::size_t>(send_counts[static_cast<std::size_t>(peer)]);
    const auto received = static_cast<std::size_t>(receive_counts[static_cast<std::size_t>(peer)]);
    group.send(from, sent, peer);
    group.receive(to, received, peer);
    from += sent;
    to += received;
  }
}

void NcclCommunicator::begin_all_gather(std::span<const float> mine, std::span<float> all,
                                        std::span<const std::int64_t> counts) {
  NcclGroup& group = begin("all_gather");
  // NCCL gathers equal parts. A larger last one sends its rest by itself; other parts are so many broadcasts, which with many
  // ranks take as many rounds.
  const std::int64_t each = counts.front();
  const bool are_equal =
      std::ranges::all_of(counts.first(counts.size() - 1), [&](auto n) { return n == each; }) && counts.back() >= each;
  const std::size_t gathered = are_equal ? static_cast<std::size_t>(each) : 0;
  group.all_gather(mine.data(), all.data(), gathered);
  float* to = all.data() + gathered * static_cast<std::size_t>(size_);
  for (int root = 0; root < size_; ++root) {
    const std::size_t count = static_cast<std::size_t>(counts[static_cast<std::size_t>(root)]) - gathered;
    group.broadcast(root == rank_ ? mine.data() + gathered : to, to, count, ncclFloat32, root);
    to += count;
  }
}

void NcclCommunicator::all_reduce_sum(std::span<float> data) {
  begin_all_reduce_sum(data);
  finish_begun();
}

void NcclCommunicator::all_reduce_sum(std::span<double> data) {
  begin("all_reduce_sum").all_reduce(data.data(), data.data(), data.size(), ncclFloat64);
  finish_begun();
}

void NcclCommunicator::all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                  std::span<float> receive, std::span<const std::int64_t> receive_counts) {
  begin_all_to_all(send, send_counts, receive, receive_counts, {});
  finish_begun();
}

void NcclCommunicator::all_gather(std::span<const float> mine, std::span<float> all,
                                  std::span<const std::int64_t> counts) {
  begin_all_gather(mine, all, counts);
  finish_begun();
}

void NcclCommunicator::gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts,
                              int root) {
  NcclGroup& group = begin("gather");
  group.send(mine.data(), mine.size(), root);
  float* to = all.data();
  for (int peer = 0; peer < size_ && rank_ == root; ++peer) {
    const auto count = static_cast<std::size_t>(counts[static_cast<std::size_t>(peer)]);
    group.receive(to, count, peer);
    to += count;
  }
  finish_begun();
}

void NcclCommunicator::broadcast(std::span<std::byte> data, int root) {
  begin("broadcast").broadcast(data.data(), data.data(), data.size(), ncclUint8, root);
  finish_begun();
}

void NcclCommunicator::barrier() {
  begin("barrier").all_reduce(scratch_, scratch_, 1, ncclFloat32);
  finish_begun();
}

}  // namespace charrnn
