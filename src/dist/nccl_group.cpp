#include "dist/nccl_group.hpp"

namespace charrnn {

void NcclGroup::all_reduce(const void* from, void* to, std::size_t count, ncclDataType_t type) {
  add({Kind::kAllReduce, from, to, count, type, 0});
}
void NcclGroup::all_gather(const float* from, float* to, std::size_t count) {
  add({Kind::kAllGather, from, to, count, ncclFloat32, 0});
}
void NcclGroup::broadcast(const void* from, void* to, std::size_t count, ncclDataType_t type, int root) {
  add({Kind::kBroadcast, from, to, count, type, root});
}
void NcclGroup::send(const float* from, std::size_t count, int peer) {
  add({Kind::kSend, from, nullptr, count, ncclFloat32, peer});
}
void NcclGroup::receive(float* to, std::size_t count, int peer) {
  add({Kind::kReceive, nullptr, to, count, ncclFloat32, peer});
}

void NcclGroup::add(const OneCall& call) {
  if (call.count > 0) calls_.push_back(call);
}

void NcclGroup::append(const NcclGroup& more) {
  calls_.insert(calls_.end(), more.calls_.begin(), more.calls_.end());
}

ncclResult_t NcclGroup::launch(ncclComm_t comm, cudaStream_t stream) const {
  ncclResult_t first = ncclGroupStart();
  const auto note = [&](ncclResult_t result) {
    if (first == ncclSuccess) first = result;
  };
  for (const OneCall& call : calls_) note(enqueue(call, comm, stream));
  note(ncclGroupEnd());
  return first;
}

ncclResult_t NcclGroup::enqueue(const OneCall& call, ncclComm_t comm, cudaStream_t stream) {
  switch (call.kind) {
    case Kind::kAllReduce:
      return ncclAllReduce(call.from, call.to, call.count, call.type, ncclSum, comm, stream);
    case Kind::kAllGather:
      return ncclAllGather(call.from, call.to, call.count, call.type, comm, stream);
    case Kind::kBroadcast:
      return ncclBroadcast(call.from, call.to, call.count, call.type, call.peer, comm, stream);
    case Kind::kSend:
      return ncclSend(call.from, call.count, call.type, call.peer, comm, stream);
    case Kind::kReceive:
      return ncclRecv(call.to, call.count, call.type, call.peer, comm, stream);
  }
  return ncclInvalidArgument;
}

NcclGroup::Shape NcclGroup::shape() const {
  Shape shape;
  shape.reserve(calls_.size());
  for (const OneCall& call : calls_) shape.emplace_back(static_cast<int>(call.kind), call.count, call.type, call.peer);
  return shape;
}

}  // namespace charrnn
