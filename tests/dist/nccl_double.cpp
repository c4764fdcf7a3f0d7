#include "dist/nccl_double.hpp"

#include <fcntl.h>
#include <nccl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "dist/host_memory.hpp"
#include "dist/stream_double.hpp"

namespace {

using charrnn::test::nccl_double;
using charrnn::test::NcclFault;
using charrnn::test::StreamDouble;

constexpr int kMaxRanks = 8;
constexpr std::size_t kMailboxBytes = std::size_t{1} << 16;

enum Kind { kAllReduce, kAllGather, kBroadcast, kKinds };

/// One message on its way from a rank to another.
struct Mailbox {
  std::atomic<unsigned> written, read;
  std::size_t bytes;
  std::byte data[kMailboxBytes];
};

struct Shared {
  std::atomic<int> arrived;
  std::atomic<bool> has_connected[2 * kKinds][kMaxRanks];
  std::atomic<bool> sends[kMaxRanks][kMaxRanks], receives[kMaxRanks][kMaxRanks];  // [from][to]
  Mailbox boxes[kMaxRanks][kMaxRanks];                                            // [from][to]
};

/// A send or receive, whole or (larger than a mailbox) in pieces.
struct Transfer {
  int peer;
  std::byte* memory;
  std::size_t bytes;
  std::size_t moved = 0;
};

/// What a rank keeps for itself.
struct Copy {
  const void* from;
  void* to;
  std::size_t bytes;
};

struct Reduction {
  void* target;
  std::size_t count;
  ncclDataType_t type;
  std::vector<std::vector<std::byte>> parts;  // by rank
};

std::size_t size_of(ncclDataType_t type) {
  return type == ncclFloat64 ? sizeof(double) : type == ncclFloat32 ? sizeof(float) : 1;
}

template <class T>
void add_up(const Reduction& reduction) {
  auto* target = static_cast<T*>(reduction.target);
  std::fill_n(target, reduction.count, T(0));
  for (const auto& part : reduction.parts) {
    for (std::size_t i = 0; i < reduction.count; ++i) {
      T value;
      std::memcpy(&value, part.data() + i * sizeof(T), sizeof(T));
      target[i] += value;
    }
  }
}

/// The collectives of one group.
struct Group {
  int rank;
  Shared* shared;
  /// What this rank is ready for, and what others have to be.
  std::vector<std::atomic<bool>*> connects = {};
  std::vector<const std::atomic<bool>*> needs = {};
  std::vector<Copy> copies = {};
  std::vector<Transfer> sends = {}, receives = {};
  std::vector<Reduction> reductions = {};

  void start() {
    for (const Copy& copy : copies) {
      if (copy.from != copy.to) std::memcpy(copy.to, copy.from, copy.bytes);
    }
  }
  /// True at the end.
  bool progress() {
    // In order for each peer: only the first transfer to or from a peer may move.
    std::array<bool, kMaxRanks> is_blocked{};
    for (Transfer& send : sends) {
      if (!std::exchange(is_blocked[static_cast<std::size_t>(send.peer)], true)) move_out(send);
    }
    is_blocked = {};
    for (Transfer& receive : receives) {
      if (!std::exchange(is_blocked[static_cast<std::size_t>(receive.peer)], true)) move_in(receive);
    }
    const auto is_done = [](const Transfer& t) { return t.moved == t.bytes; };
    std::erase_if(sends, is_done);
    std::erase_if(receives, is_done);
    if (!sends.empty() || !receives.empty()) return false;
    for (const Reduction& reduction : reductions) {
      if (reduction.type == ncclFloat64) add_up<double>(reduction);
      if (reduction.type == ncclFloat32) add_up<float>(reduction);
    }
    return true;
  }

 private:
  void move_out(Transfer& send) {
    Mailbox& box = shared->boxes[rank][send.peer];
    if (box.written.load() != box.read.load()) return;
    box.bytes = std::min(send.bytes - send.moved, kMailboxBytes);
    std::memcpy(box.data, send.memory + send.moved, box.bytes);
    send.moved += box.bytes;
    ++box.written;
  }
  void move_in(Transfer& receive) {
    Mailbox& box = shared->boxes[receive.peer][rank];
    if (box.written.load() == box.read.load()) return;
    if (box.bytes > receive.bytes - receive.moved) return;  // sizes differ: never ends, as in the real one
    std::memcpy(receive.memory + receive.moved, box.data, box.bytes);
    receive.moved += box.bytes;
    ++box.read;
  }
};

/// The default stream is a null pointer.
StreamDouble& stream(void* which = nullptr) {
  static auto* const only = new StreamDouble;
  return which == nullptr ? *only : *static_cast<StreamDouble*>(which);
}

/// An event: that many pieces of a stream's work are done. Never freed.
struct Event {
  const StreamDouble* stream;
  std::uint64_t count;
  bool has_passed() const { return stream->done() >= count; }
};

thread_local int group_depth = 0;
thread_local ncclComm* group_comm = nullptr;
thread_local cudaStream_t group_stream = nullptr;
thread_local bool has_device = false;

void check_device() {
  if (!has_device) ++nccl_double().without_device;
}

/// A wait of the host's that has no end of its own.
template <class Condition>
void hang_until(Condition condition) {
  while (!condition()) ::usleep(200);
}

}  // namespace

struct ncclComm {
  int rank = 0, size = 0;
  std::string name;
  Shared* shared = nullptr;
  std::atomic<bool> is_aborted = false, is_hung_in = false;
  Group pending{};
  Event last{&stream(), 0};  ///< behind the last group: the next one waits for it, in whatever stream

  /// Returns when all that the pending collectives need have come: true, unless this is aborted meanwhile.
  bool connect() {
    for (std::atomic<bool>* mine : pending.connects) *mine = true;
    is_hung_in = true;
    const auto& others = pending.needs;
    hang_until([&] { return is_aborted || std::ranges::all_of(others, [](const auto* one) { return one->load(); }); });
    is_hung_in = false;
    return !is_aborted;
  }
};

namespace {

/// What is pending goes to the stream, at the end of the outermost group.
ncclResult_t flush(ncclComm* comm) {
  check_device();
  const NcclFault fault = nccl_double().fault;
  if (fault == NcclFault::kEnqueueRefused) {
    comm->pending = {comm->rank, comm->shared};
    return ncclInvalidUsage;
  }
  if (fault == NcclFault::kEnqueueHangs) {
    comm->is_hung_in = true;
    hang_until([] { return nccl_double().fault != NcclFault::kEnqueueHangs; });
    return ncclInternalError;
  }
  if (!comm->connect()) return ncclInternalError;
  ++nccl_double().launches;
  auto group = std::make_shared<Group>(std::exchange(comm->pending, Group{comm->rank, comm->shared}));
  StreamDouble& to = stream(group_stream);
  const Event before = std::exchange(comm->last, {&to, to.queued() + 1});
  to.queue([comm, group, before] {
    while (!comm->is_aborted && !before.has_passed()) sched_yield();
    if (!comm->is_aborted) group->start();
    while (!comm->is_aborted && (nccl_double().fault == NcclFault::kHang || !group->progress())) sched_yield();
  });
  return ncclSuccess;
}

ncclResult_t added(ncclComm* comm, cudaStream_t to) {
  group_stream = to;
  if (group_depth == 0) return flush(comm);
  group_comm = comm;
  return ncclSuccess;
}

void add_send(ncclComm* comm, const void* memory, std::size_t bytes, int peer) {
  // The receiver may be this rank's own buffer, but a sender's memory is only read.
  auto* source = const_cast<std::byte*>(static_cast<const std::byte*>(memory));
  if (bytes > 0) comm->pending.sends.push_back({peer, source, bytes});
}
void add_receive(ncclComm* comm, void* memory, std::size_t bytes, int peer) {
  if (bytes > 0) comm->pending.receives.push_back({peer, static_cast<std::byte*>(memory), bytes});
}

/// NCCL connects all ranks for an algorithm, which it chooses by kind and size.
void connect_all(ncclComm* comm, Kind kind, std::size_t bytes) {
  auto& ranks = comm->shared->has_connected[2 * kind + (bytes > kMailboxBytes ? 1 : 0)];
  comm->pending.connects.push_back(&ranks[comm->rank]);
  for (int rank = 0; rank < comm->size; ++rank) comm->pending.needs.push_back(&ranks[rank]);
}

/// Where the ranks meet: in memory, or in a folder that several nodes see.
std::string meeting_place(const std::string& name) {
  const char* folder = std::getenv("NCCL_DOUBLE_FOLDER");
  return (folder != nullptr ? folder : "/dev/shm") + name;
}

void drop(ncclComm* comm) {
  if (comm->shared != nullptr) munmap(comm->shared, sizeof(Shared));
  unlink(comm->name.c_str());
  --nccl_double().live;
  delete comm;
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  *version = nccl_double().version != 0 ? nccl_double().version : NCCL_VERSION_CODE;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static int made = 0;
  std::memset(id->internal, 0, sizeof id->internal);
  const std::string name = fmt::format("/nccl_double.{}.{}", getpid(), made++);
  std::memcpy(id->internal, name.data(), name.size());
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId id, int rank, ncclConfig_t* config) {
  check_device();
  *comm = nullptr;
  if (size > kMaxRanks || config->blocking != 1) return ncclInvalidArgument;
  const NcclFault fault = nccl_double().fault;
  if (fault == NcclFault::kInitRefused) return ncclSystemError;
  if (fault == NcclFault::kInitHangs) {
    hang_until([] { return nccl_double().fault != NcclFault::kInitHangs; });
    unlink(meeting_place(id.internal).c_str());  // the others', which wait for this rank
    return ncclInternalError;
  }
  auto* const made = new ncclComm;
  ++nccl_double().live;
  made->rank = rank;
  made->size = size;
  made->name = meeting_place(id.internal);
  *comm = made;
  if (fault == NcclFault::kInitFails) return ncclRemoteError;
  const int file = open(made->name.c_str(), O_CREAT | O_RDWR, 0600);
  if (file < 0 || ftruncate(file, sizeof(Shared)) != 0) return ncclSystemError;
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return ncclSystemError;
  made->shared = static_cast<Shared*>(memory);
  made->pending = {rank, made->shared};
  ++made->shared->arrived;
  hang_until([&] { return made->shared->arrived.load() == size; });
  unlink(made->name.c_str());  // everyone has it: nothing is left behind, however the ranks end
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* state) {
  *state = nccl_double().fault == NcclFault::kAsyncError ? ncclRemoteError : ncclSuccess;
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t to) {
  if (op != ncclSum || (type != ncclFloat32 && type != ncclFloat64)) return ncclInvalidArgument;
  Reduction reduction{receive, count, type, {}};
  const std::size_t bytes = count * size_of(type);
  reduction.parts.resize(static_cast<std::size_t>(comm->size));
  for (auto& part : reduction.parts) part.resize(bytes);
  comm->pending.copies.push_back({send, reduction.parts[static_cast<std::size_t>(comm->rank)].data(), bytes});
  for (int peer = 0; peer < comm->size; ++peer) {
    if (peer == comm->rank) continue;
    add_send(comm, send, bytes, peer);
    add_receive(comm, reduction.parts[static_cast<std::size_t>(peer)].data(), bytes, peer);
  }
  connect_all(comm, kAllReduce, bytes);
  comm->pending.reductions.push_back(std::move(reduction));  // the parts' own memory stays where it is
  return added(comm, to);
}

ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t to) {
  const std::size_t bytes = count * size_of(type);
  if (comm->rank == root) {
    comm->pending.copies.push_back({send, receive, bytes});
    for (int peer = 0; peer < comm->size; ++peer) {
      if (peer != root) add_send(comm, send, bytes, peer);
    }
  } else {
    add_receive(comm, receive, bytes, root);
  }
  connect_all(comm, kBroadcast, bytes);
  return added(comm, to);
}

ncclResult_t ncclAllGather(const void* send, void* receive, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t to) {
  const std::size_t bytes = count * size_of(type);
  auto* const all = static_cast<std::byte*>(receive);
  comm->pending.copies.push_back({send, all + static_cast<std::size_t>(comm->rank) * bytes, bytes});
  for (int peer = 0; peer < comm->size; ++peer) {
    if (peer == comm->rank) continue;
    add_send(comm, send, bytes, peer);
    add_receive(comm, all + static_cast<std::size_t>(peer) * bytes, bytes, peer);
  }
  connect_all(comm, kAllGather, bytes);
  return added(comm, to);
}

ncclResult_t ncclSend(const void* send, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t to) {
  if (group_depth == 0) return ncclInvalidUsage;
  add_send(comm, send, count * size_of(type), peer);
  comm->pending.connects.push_back(&comm->shared->sends[comm->rank][peer]);
  comm->pending.needs.push_back(&comm->shared->receives[comm->rank][peer]);
  return added(comm, to);
}

ncclResult_t ncclRecv(void* receive, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t to) {
  if (group_depth == 0) return ncclInvalidUsage;
  add_receive(comm, receive, count * size_of(type), peer);
  comm->pending.connects.push_back(&comm->shared->receives[peer][comm->rank]);
  comm->pending.needs.push_back(&comm->shared->sends[peer][comm->rank]);
  return added(comm, to);
}

ncclResult_t ncclGroupStart() {
  ++group_depth;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  --group_depth;
  ncclComm* const comm = std::exchange(group_comm, nullptr);
  return comm != nullptr ? flush(comm) : ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  check_device();
  hang_until([&] { return comm->last.has_passed(); });
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  drop(comm);
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  check_device();
  ++nccl_double().aborts;
  if (comm->is_hung_in) ++nccl_double().aborts_under;
  while (nccl_double().abort_hangs) pause();
  comm->is_aborted = true;
  hang_until([&] { return !comm->is_hung_in && comm->last.has_passed(); });
  drop(comm);
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclRemoteError ? "remote process exited" : "some other error";
}
const char* ncclGetLastError(ncclComm_t) {
  return "told by the double\n";
}

}  // extern "C"

namespace charrnn::test {

namespace {

class DoubleStreamEvents final : public StreamEvents {
 public:
  explicit DoubleStreamEvents(StreamDouble* stream) : stream_(stream) { has_device = true; }
  void make_current() override { has_device = true; }
  Mark record() override {
    latest_ = new Event{&::stream(stream_), ::stream(stream_).queued()};
    return latest_->count;
  }
  bool has_passed(Mark mark) override {
    if (nccl_double().fault == NcclFault::kDeviceError) throw Error(ExitCode::kInterrupted, "the GPU is lost");
    return ::stream(stream_).done() >= mark;
  }
  void* stream() override { return stream_; }
  std::unique_ptr<StreamEvents> beside() override { return std::make_unique<DoubleStreamEvents>(new StreamDouble); }
  void* latest() override { return latest_; }
  void wait_for(void* event) override {
    if (event == nullptr) return;
    const auto* known = static_cast<const Event*>(event);
    ::stream(stream_).wait_for(*known->stream, known->count);
  }

 private:
  StreamDouble* stream_;
  Event* latest_ = nullptr;
};

class DoubleMemory final : public DeviceMemory {
 public:
  void* allocate(std::size_t bytes) override { return memory_.allocate(bytes); }
  void release(void* memory) override {
    stream().drain();
    memory_.release(memory);
  }
  void to_host(void* host, const void* device, std::size_t bytes) override {
    stream().drain();
    memory_.to_host(host, device, bytes);
  }
  void to_device(void* device, const void* host, std::size_t bytes) override {
    stream().drain();
    memory_.to_device(device, host, bytes);
  }

 private:
  HostMemory memory_{true};
};

}  // namespace

NcclDouble& nccl_double() {
  static NcclDouble state;
  return state;
}

std::unique_ptr<StreamEvents> make_double_stream_events() {
  return std::make_unique<DoubleStreamEvents>(nullptr);
}

std::unique_ptr<DeviceMemory> make_double_memory() {
  return std::make_unique<DoubleMemory>();
}

void* moment_of_double() {
  return new Event{&stream(), stream().queued()};
}

void queue_on_double(std::function<void()> work) {
  stream().queue(std::move(work));
}

}  // namespace charrnn::test
