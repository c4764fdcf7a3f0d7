#include "dist/mpi_communicator.hpp"

#include <mpi.h>

namespace charrnn {

struct MpiCommunicator::Handle {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0, size = 1;
};

namespace {
bool done(MPI_Request& request) {
  int flag = 0;
  MPI_Test(&request, &flag, MPI_STATUS_IGNORE);
  return flag != 0;
}
std::pair<std::vector<int>, std::vector<int>> layout(std::span<const std::int64_t> counts) {
  std::vector<int> c, d;
  int at = 0;
  for (auto n : counts) {
    c.push_back(static_cast<int>(n));
    d.push_back(at);
    at += static_cast<int>(n);
  }
  return {c, d};
}
}  // namespace

MpiCommunicator::MpiCommunicator(const MpiSession&, Seconds timeout) : Communicator(timeout), handle_(std::make_unique<Handle>()) {
  MPI_Comm_dup(MPI_COMM_WORLD, &handle_->comm);
  MPI_Comm_rank(handle_->comm, &handle_->rank);
  MPI_Comm_size(handle_->comm, &handle_->size);
}
MpiCommunicator::~MpiCommunicator() = default;
int MpiCommunicator::rank() const { return handle_->rank; }
int MpiCommunicator::size() const { return handle_->size; }
void MpiCommunicator::all_reduce_sum(std::span<float> data) {
  count_call();
  MPI_Request r;
  MPI_Iallreduce(MPI_IN_PLACE, data.data(), static_cast<int>(data.size()), MPI_FLOAT, MPI_SUM, handle_->comm, &r);
  wait("all_reduce_sum", [&] { return done(r); });
}
void MpiCommunicator::all_reduce_sum(std::span<double> data) {
  count_call();
  MPI_Request r;
  MPI_Iallreduce(MPI_IN_PLACE, data.data(), static_cast<int>(data.size()), MPI_DOUBLE, MPI_SUM, handle_->comm, &r);
  wait("all_reduce_sum", [&] { return done(r); });
}
void MpiCommunicator::all_to_all(std::span<const float> send, std::span<const std::int64_t> sc, std::span<float> receive,
                                 std::span<const std::int64_t> rc) {
  count_call();
  auto [c, d] = layout(sc);
  auto [c2, d2] = layout(rc);
  MPI_Request r;
  MPI_Ialltoallv(send.data(), c.data(), d.data(), MPI_FLOAT, receive.data(), c2.data(), d2.data(), MPI_FLOAT, handle_->comm, &r);
  wait("all_to_all", [&] { return done(r); });
}
void MpiCommunicator::all_gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts) {
  count_call();
  auto [c, d] = layout(counts);
  MPI_Request r;
  MPI_Iallgatherv(mine.data(), static_cast<int>(mine.size()), MPI_FLOAT, all.data(), c.data(), d.data(), MPI_FLOAT, handle_->comm, &r);
  wait("all_gather", [&] { return done(r); });
}
void MpiCommunicator::gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts, int root) {
  count_call();
  auto [c, d] = layout(counts);
  MPI_Request r;
  MPI_Igatherv(mine.data(), static_cast<int>(mine.size()), MPI_FLOAT, all.data(), c.data(), d.data(), MPI_FLOAT, root, handle_->comm, &r);
  wait("gather", [&] { return done(r); });
}
void MpiCommunicator::broadcast(std::span<std::byte> data, int root, double patience) {
  count_call();
  MPI_Request r;
  MPI_Ibcast(data.data(), static_cast<int>(data.size()), MPI_BYTE, root, handle_->comm, &r);
  wait("broadcast", [&] { return done(r); }, patience);
}
void MpiCommunicator::barrier() {
  count_call();
  MPI_Request r;
  MPI_Ibarrier(handle_->comm, &r);
  wait("barrier", [&] { return done(r); });
}

}  // namespace charrnn
