#include "dist/nccl_double.hpp"

#include <fcntl.h>
#include <nccl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace {

using charrnn::test::nccl_double;
using charrnn::test::NcclFault;

constexpr int kMaxRanks = 8;
constexpr std::size_t kMailboxBytes = std::size_t{1} << 16;
constexpr int kPollsInProgress = 3;  // how often a call is "in progress" before it is on the stream

/// One message on its way from a rank to another.
struct Mailbox {
  std::atomic<unsigned> written, read;
  std::size_t bytes;
  std::byte data[kMailboxBytes];
};

struct Shared {
  std::atomic<int> arrived;
  Mailbox boxes[kMaxRanks][kMaxRanks];  // [from][to]
};

/// A send or receive, whole or (larger than a mailbox) in pieces.
struct Transfer {
  int peer;
  std::byte* memory;
  std::size_t bytes;
  std::size_t moved = 0;
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

}  // namespace

struct ncclComm {
  int rank = 0, size = 0;
  std::string name;
  Shared* shared = nullptr;
  bool has_started = false;
  int polls_left = kPollsInProgress;
  std::vector<Transfer> sends, receives;
  std::vector<Reduction> reductions;

  bool is_idle() const { return sends.empty() && receives.empty() && reductions.empty(); }

  void progress() {
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
    if (!sends.empty() || !receives.empty()) return;
    for (const Reduction& reduction : reductions) {
      if (reduction.type == ncclFloat64) add_up<double>(reduction);
      if (reduction.type == ncclFloat32) add_up<float>(reduction);
    }
    reductions.clear();
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

namespace {

std::vector<ncclComm*>& communicators() {
  static std::vector<ncclComm*> all;
  return all;
}
int group_depth = 0;

/// What a call that enqueues says; `comm` is then in progress for some polls.
ncclResult_t enqueued(ncclComm* comm) {
  if (nccl_double().fault == NcclFault::kEnqueueRefused) return ncclInvalidUsage;
  comm->polls_left = kPollsInProgress;
  return group_depth > 0 ? ncclSuccess : ncclInProgress;
}

void add_send(ncclComm* comm, const void* memory, std::size_t bytes, int peer) {
  // The receiver may be this rank's own buffer, but a sender's memory is only read.
  auto* source = const_cast<std::byte*>(static_cast<const std::byte*>(memory));
  if (bytes > 0) comm->sends.push_back({peer, source, bytes});
}
void add_receive(ncclComm* comm, void* memory, std::size_t bytes, int peer) {
  if (bytes > 0) comm->receives.push_back({peer, static_cast<std::byte*>(memory), bytes});
}

void drop(ncclComm* comm) {
  if (comm->shared != nullptr) munmap(comm->shared, sizeof(Shared));
  shm_unlink(comm->name.c_str());
  std::erase(communicators(), comm);
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
  *comm = nullptr;
  if (size > kMaxRanks || config->blocking != 0) return ncclInvalidArgument;
  if (nccl_double().fault == NcclFault::kInitRefused) return ncclSystemError;
  *comm = new ncclComm;
  ++nccl_double().live;
  (*comm)->rank = rank;
  (*comm)->size = size;
  (*comm)->name = id.internal;
  communicators().push_back(*comm);
  const int file = shm_open(id.internal, O_CREAT | O_RDWR, 0600);
  if (file < 0 || ftruncate(file, sizeof(Shared)) != 0) return ncclSystemError;
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return ncclSystemError;
  (*comm)->shared = static_cast<Shared*>(memory);
  ++(*comm)->shared->arrived;
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  *state = ncclInProgress;
  const NcclFault fault = nccl_double().fault;
  if (!comm->has_started) {
    if (fault == NcclFault::kInitAsyncError) *state = ncclRemoteError;
    if (fault == NcclFault::kInitAsyncError || fault == NcclFault::kInitNeverEnds) return ncclSuccess;
    if (comm->shared->arrived.load() < comm->size) return ncclSuccess;
    comm->has_started = true;
    shm_unlink(comm->name.c_str());  // everyone has it: nothing is left behind, however the ranks end
  }
  if (fault == NcclFault::kNeverEnqueued) return ncclSuccess;
  if (comm->polls_left > 0 && --comm->polls_left > 0) return ncclSuccess;
  *state = fault == NcclFault::kAsyncError ? ncclRemoteError : ncclSuccess;
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t) {
  if (op != ncclSum || (type != ncclFloat32 && type != ncclFloat64)) return ncclInvalidArgument;
  Reduction reduction{receive, count, type, {}};
  const std::size_t bytes = count * size_of(type);
  reduction.parts.resize(static_cast<std::size_t>(comm->size));
  for (auto& part : reduction.parts) part.resize(bytes);
  std::memcpy(reduction.parts[static_cast<std::size_t>(comm->rank)].data(), send, bytes);
  for (int peer = 0; peer < comm->size; ++peer) {
    if (peer == comm->rank) continue;
    add_send(comm, send, bytes, peer);
    add_receive(comm, reduction.parts[static_cast<std::size_t>(peer)].data(), bytes, peer);
  }
  comm->reductions.push_back(std::move(reduction));  // the parts' own memory stays where it is
  return enqueued(comm);
}

ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t) {
  const std::size_t bytes = count * size_of(type);
  if (comm->rank == root) {
    if (send != receive) std::memcpy(receive, send, bytes);
    for (int peer = 0; peer < comm->size; ++peer) {
      if (peer != root) add_send(comm, send, bytes, peer);
    }
  } else {
    add_receive(comm, receive, bytes, root);
  }
  return enqueued(comm);
}

ncclResult_t ncclAllGather(const void* send, void* receive, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t) {
  const std::size_t bytes = count * size_of(type);
  auto* const all = static_cast<std::byte*>(receive);
  std::byte* const own = all + static_cast<std::size_t>(comm->rank) * bytes;
  if (send != own) std::memcpy(own, send, bytes);
  for (int peer = 0; peer < comm->size; ++peer) {
    if (peer == comm->rank) continue;
    add_send(comm, send, bytes, peer);
    add_receive(comm, all + static_cast<std::size_t>(peer) * bytes, bytes, peer);
  }
  return enqueued(comm);
}

ncclResult_t ncclSend(const void* send, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t) {
  if (group_depth == 0) return ncclInvalidUsage;
  add_send(comm, send, count * size_of(type), peer);
  return enqueued(comm);
}

ncclResult_t ncclRecv(void* receive, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t) {
  if (group_depth == 0) return ncclInvalidUsage;
  add_receive(comm, receive, count * size_of(type), peer);
  return enqueued(comm);
}

ncclResult_t ncclGroupStart() {
  ++group_depth;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  --group_depth;
  return ncclInProgress;
}

ncclResult_t ncclCommFinalize(ncclComm_t) {
  return ncclInProgress;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  drop(comm);
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  ++nccl_double().aborts;
  while (nccl_double().abort_hangs) pause();
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
  void record() override {
    for (const ncclComm* comm : communicators()) nccl_double().too_early += comm->polls_left > 0 ? 1 : 0;
  }
  bool is_complete() override {
    if (nccl_double().fault == NcclFault::kDeviceError) throw Error(ExitCode::kInterrupted, "the GPU is lost");
    if (nccl_double().fault == NcclFault::kHang) return false;
    bool is_idle = true;
    for (ncclComm* comm : communicators()) {
      comm->progress();
      is_idle = is_idle && comm->is_idle();
    }
    return is_idle;
  }
  void* stream() override { return nullptr; }
};

}  // namespace

NcclDouble& nccl_double() {
  static NcclDouble state;
  return state;
}

std::unique_ptr<StreamEvents> make_double_stream_events() {
  return std::make_unique<DoubleStreamEvents>();
}

}  // namespace charrnn::test
