// Collectives that NCCL gets as one launch.
#pragma once

#include <nccl.h>

#include <cstddef>
#include <tuple>
#include <vector>

namespace charrnn {

/// An ordered list of NCCL's calls between ncclGroupStart and ncclGroupEnd. Buffers must stay until the stream has come to its
/// end; empty ones are left out.
class NcclGroup {
 public:
  void all_reduce(const void* from, void* to, std::size_t count, ncclDataType_t type);
  void all_gather(const float* from, float* to, std::size_t count);
  void broadcast(const void* from, void* to, std::size_t count, ncclDataType_t type, int root);
  void send(const float* from, std::size_t count, int peer);
  void receive(float* to, std::size_t count, int peer);

  bool is_empty() const { return calls_.empty(); }
  void append(const NcclGroup& more);

  /// Puts all of it into the stream, and returns the first error or success.
  ncclResult_t launch(ncclComm_t comm, cudaStream_t stream) const;

  /// What of it decides how NCCL does it: of each call, all but where its buffers lie.
  using Shape = std::vector<std::tuple<int, std::size_t, ncclDataType_t, int>>;
  Shape shape() const;

 private:
  enum class Kind { kAllReduce, kAllGather, kBroadcast, kSend, kReceive };
  struct OneCall {
    Kind kind;
    const void* from;
    void* to;
    std::size_t count;
    ncclDataType_t type;
    int peer;  ///< or root
  };

  void add(const OneCall& call);
  static ncclResult_t enqueue(const OneCall& call, ncclComm_t comm, cudaStream_t stream);

  std::vector<OneCall> calls_;
};

}  // namespace charrnn
