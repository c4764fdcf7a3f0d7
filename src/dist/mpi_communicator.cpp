#include "dist/mpi_communicator.hpp"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <limits>

namespace charrnn {

namespace {

// MPI counts elements in an int. Larger buffers go in pieces.
constexpr std::size_t kMostElements = std::size_t{1} << 30;

/// Counts and displacements as MPI's vector collectives want them.
struct Slices {
  std::vector<int> counts, displacements;

  explicit Slices(std::span<const std::int64_t> sizes) {
    std::int64_t at = 0;
    for (const std::int64_t size : sizes) {
      require<UsageError>(at + size <= std::numeric_limits<int>::max(),
                          "a collective over MPI cannot gather more than 2^31 - 1 elements");
      counts.push_back(static_cast<int>(size));
      displacements.push_back(static_cast<int>(at));
      at += size;
    }
  }
};

}  // namespace

struct MpiCommunicator::Handle {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;

  // All-reduces in the background.
  std::vector<MPI_Request> begun;
  int failure = MPI_SUCCESS;  ///< of the first call that failed

  void note(int code) {
    if (failure == MPI_SUCCESS) failure = code;
  }
  bool are_complete() {
    int done = 0;
    note(MPI_Testall(static_cast<int>(begun.size()), begun.data(), &done, MPI_STATUSES_IGNORE));
    return done != 0;
  }
};

MpiCommunicator::MpiCommunicator(const MpiSession& session, Seconds timeout)
    : Communicator(timeout), handle_(std::make_unique<Handle>()) {
  handle_->rank = session.rank();
  handle_->size = session.size();
  // Messages of its own, so that two communicators never mix; and errors as codes, so that they can be named.
  MPI_Comm_dup(MPI_COMM_WORLD, &handle_->comm);
  MPI_Comm_set_errhandler(handle_->comm, MPI_ERRORS_RETURN);
}

// Not freed: that is collective, and this may run while other ranks are gone. MPI_Finalize takes care of it.
MpiCommunicator::~MpiCommunicator() = default;

int MpiCommunicator::rank() const {
  return handle_->rank;
}
int MpiCommunicator::size() const {
  return handle_->size;
}

void MpiCommunicator::check(const char* collective, int code) const {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  fail(collective, Seconds(0), std::string(text.data(), static_cast<std::size_t>(length)));
}

template <class Post>
void MpiCommunicator::complete(const char* collective, const Post& post) {
  MPI_Request request = MPI_REQUEST_NULL;
  check(collective, post(&request));
  wait(collective, [&] {
    int done = 0;
    check(collective, MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    return done != 0;
  });
}

template <class T>
void MpiCommunicator::sum(std::span<T> data) {
  count_call();
  const MPI_Datatype type = sizeof(T) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE;
  do {
    const std::span<T> piece = data.first(std::min(data.size(), kMostElements));
    complete("all_reduce_sum", [&](MPI_Request* request) {
      return MPI_Iallreduce(MPI_IN_PLACE, piece.data(), static_cast<int>(piece.size()), type, MPI_SUM,
                            handle_->comm, request);
    });
    data = data.subspan(piece.size());
  } while (!data.empty());
}

void MpiCommunicator::all_reduce_sum(std::span<float> data) {
  sum(data);
}
void MpiCommunicator::all_reduce_sum(std::span<double> data) {
  sum(data);
}

void MpiCommunicator::begin_all_reduce_sum(std::span<float> data) {
  count_call();
  while (!data.empty()) {
    const std::span<float> piece = data.first(std::min(data.size(), kMostElements));
    handle_->note(MPI_Iallreduce(MPI_IN_PLACE, piece.data(), static_cast<int>(piece.size()), MPI_FLOAT,
                                 MPI_SUM, handle_->comm, &handle_->begun.emplace_back(MPI_REQUEST_NULL)));
    data = data.subspan(piece.size());
  }
}

void MpiCommunicator::poll() {
  if (!handle_->begun.empty()) handle_->are_complete();
}

void MpiCommunicator::finish_all_reduces() {
  constexpr const char* kName = "all_reduce_sum";
  wait(kName, [&] {
    const bool complete = handle_->are_complete();
    check(kName, handle_->failure);
    return complete;
  });
  handle_->begun.clear();
}

void MpiCommunicator::all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                 std::span<float> receive, std::span<const std::int64_t> receive_counts) {
  count_call();
  const Slices out(send_counts), in(receive_counts);
  complete("all_to_all", [&](MPI_Request* request) {
    return MPI_Ialltoallv(send.data(), out.counts.data(), out.displacements.data(), MPI_FLOAT, receive.data(),
                          in.counts.data(), in.displacements.data(), MPI_FLOAT, handle_->comm, request);
  });
}

void MpiCommunicator::all_gather(std::span<const float> mine, std::span<float> all,
                                 std::span<const std::int64_t> counts) {
  count_call();
  const Slices in(counts);
  complete("all_gather", [&](MPI_Request* request) {
    return MPI_Iallgatherv(mine.data(), static_cast<int>(mine.size()), MPI_FLOAT, all.data(),
                           in.counts.data(), in.displacements.data(), MPI_FLOAT, handle_->comm, request);
  });
}

void MpiCommunicator::gather(std::span<const float> mine, std::span<float> all,
                             std::span<const std::int64_t> counts, int root) {
  count_call();
  const Slices in(counts);
  complete("gather", [&](MPI_Request* request) {
    return MPI_Igatherv(mine.data(), static_cast<int>(mine.size()), MPI_FLOAT, all.data(), in.counts.data(),
                        in.displacements.data(), MPI_FLOAT, root, handle_->comm, request);
  });
}

void MpiCommunicator::broadcast(std::span<std::byte> data, int root) {
  count_call();
  do {
    const std::span<std::byte> piece = data.first(std::min(data.size(), kMostElements));
    complete("broadcast", [&](MPI_Request* request) {
      return MPI_Ibcast(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, root, handle_->comm, request);
    });
    data = data.subspan(piece.size());
  } while (!data.empty());
}

void MpiCommunicator::barrier() {
  count_call();
  complete("barrier", [&](MPI_Request* request) { return MPI_Ibarrier(handle_->comm, request); });
}

}  // namespace charrnn
