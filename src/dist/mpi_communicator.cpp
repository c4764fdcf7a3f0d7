#include "dist/mpi_communicator.hpp"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <utility>

#include "dist/mpi_roll_call.hpp"

namespace charrnn {

namespace {

// MPI counts elements in an int. Larger buffers go in pieces.
constexpr std::size_t kMostElements = std::size_t{1} << 30;

/// Counts and displacements as MPI's vector collectives want them.
struct Slices {
  std::vector<int> counts, displacements;

  Slices() = default;
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
  /// A call that was begun; MPI reads its slices until it ends.
  struct Begun {
    Call call;
    Then then = {};
    Slices out = {}, in = {};
    MPI_Request request = MPI_REQUEST_NULL;
  };

  MPI_Comm comm = MPI_COMM_NULL;
  /// What a `then` begins: each rank comes to that at another moment of its order on `comm`. Here it is in
  /// one order too, that of the calls with a `then`, since none of these begins another.
  MPI_Comm later = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  std::deque<Begun> begun;
  bool runs_then = false;
  int failure = MPI_SUCCESS;  ///< of the first call that failed

  void note(int code) {
    if (failure == MPI_SUCCESS) failure = code;
  }
  /// post(call, comm) returns MPI's code.
  template <class Post>
  void begin(Begun one, const Post& post) {
    Begun& kept = begun.emplace_back(std::move(one));
    note(post(kept, runs_then ? later : comm));
  }
  /// The same for a buffer that may have more elements than a call can.
  template <class T, class Post>
  void begin_in_pieces(const Call& call, std::span<T> data, const Post& post) {
    do {
      const std::span<T> piece = data.first(std::min(data.size(), kMostElements));
      begin({call}, [&](Begun& one, MPI_Comm on) {
        return post(piece.data(), static_cast<int>(piece.size()), on, &one.request);
      });
      data = data.subspan(piece.size());
    } while (!data.empty());
  }
  bool first_is_complete() {
    int done = 0;
    note(MPI_Test(&begun.front().request, &done, MPI_STATUS_IGNORE));
    return done != 0;
  }
  void leave_first() {
    const Then then = std::move(begun.front().then);
    begun.pop_front();
    runs_then = true;
    if (then) then();
    runs_then = false;
  }
};

MpiCommunicator::MpiCommunicator(const MpiSession& session, Seconds timeout)
    : ControlCommunicator(timeout), session_(session), handle_(std::make_unique<Handle>()) {
  handle_->rank = session.rank();
  handle_->size = session.size();
  // Messages of its own, so that two communicators never mix; and errors as codes, so that they can be named.
  for (MPI_Comm* comm : {&handle_->comm, &handle_->later}) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Comm_idup(MPI_COMM_WORLD, comm, &request);
    wait({"duplicate", 0, step()}, [&] {
      int done = 0;
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      return done != 0;
    });
    MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN);
  }
  set_roll_call(std::make_shared<MpiRollCall>(handle_->comm));
}

// Not freed: that is collective, and this may run while other ranks are gone. MPI_Finalize takes care of it.
MpiCommunicator::~MpiCommunicator() = default;

int MpiCommunicator::rank() const {
  return handle_->rank;
}
int MpiCommunicator::size() const {
  return handle_->size;
}

void MpiCommunicator::check(const Call& call, int code) const {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  fail(call, Seconds(0), std::string(text.data(), static_cast<std::size_t>(length)));
}

bool MpiCommunicator::runs_then() const {
  return handle_->runs_then;
}

void MpiCommunicator::poll() {
  while (!handle_->begun.empty() && handle_->first_is_complete() && handle_->failure == MPI_SUCCESS) {
    handle_->leave_first();
  }
}

void MpiCommunicator::finish_begun() {
  while (!handle_->begun.empty()) {
    const Call call = handle_->begun.front().call;
    wait(call, [&] {
      const bool is_complete = handle_->first_is_complete();
      check(call, handle_->failure);
      return is_complete;
    });
    handle_->leave_first();
  }
}

template <class T>
void MpiCommunicator::begin_sum(std::span<T> data) {
  const MPI_Datatype type = sizeof(T) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE;
  handle_->begin_in_pieces(next_call("all_reduce_sum"), data,
                           [&](T* piece, int count, MPI_Comm comm, MPI_Request* request) {
                             return MPI_Iallreduce(MPI_IN_PLACE, piece, count, type, MPI_SUM, comm, request);
                           });
}

void MpiCommunicator::begin_all_reduce_sum(std::span<float> data) {
  begin_sum(data);
}

void MpiCommunicator::begin_all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                       std::span<float> receive, std::span<const std::int64_t> receive_counts,
                                       Then then) {
  handle_->begin({next_call("all_to_all"), std::move(then), Slices(send_counts), Slices(receive_counts)},
                 [&](Handle::Begun& one, MPI_Comm comm) {
                   return MPI_Ialltoallv(send.data(), one.out.counts.data(), one.out.displacements.data(), MPI_FLOAT,
                                         receive.data(), one.in.counts.data(), one.in.displacements.data(), MPI_FLOAT,
                                         comm, &one.request);
                 });
}

void MpiCommunicator::begin_all_gather(std::span<const float> mine, std::span<float> all,
                                       std::span<const std::int64_t> counts) {
  handle_->begin({next_call("all_gather"), {}, {}, Slices(counts)}, [&](Handle::Begun& one, MPI_Comm comm) {
    return MPI_Iallgatherv(mine.data(), static_cast<int>(mine.size()), MPI_FLOAT, all.data(), one.in.counts.data(),
                           one.in.displacements.data(), MPI_FLOAT, comm, &one.request);
  });
}

void MpiCommunicator::all_reduce_sum(std::span<float> data) {
  begin_sum(data);
  finish_begun();
}
void MpiCommunicator::all_reduce_sum(std::span<double> data) {
  begin_sum(data);
  finish_begun();
}

void MpiCommunicator::all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                 std::span<float> receive, std::span<const std::int64_t> receive_counts) {
  begin_all_to_all(send, send_counts, receive, receive_counts, {});
  finish_begun();
}

void MpiCommunicator::all_gather(std::span<const float> mine, std::span<float> all,
                                 std::span<const std::int64_t> counts) {
  begin_all_gather(mine, all, counts);
  finish_begun();
}

void MpiCommunicator::gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts,
                             int root) {
  handle_->begin({next_call("gather"), {}, {}, Slices(counts)}, [&](Handle::Begun& one, MPI_Comm comm) {
    return MPI_Igatherv(mine.data(), static_cast<int>(mine.size()), MPI_FLOAT, all.data(), one.in.counts.data(),
                        one.in.displacements.data(), MPI_FLOAT, root, comm, &one.request);
  });
  finish_begun();
}

void MpiCommunicator::broadcast(std::span<std::byte> data, int root) {
  handle_->begin_in_pieces(next_call("broadcast"), data,
                           [&](std::byte* piece, int count, MPI_Comm comm, MPI_Request* request) {
                             return MPI_Ibcast(piece, count, MPI_BYTE, root, comm, request);
                           });
  finish_begun();
}

void MpiCommunicator::barrier() {
  handle_->begin({next_call("barrier")},
                 [](Handle::Begun& one, MPI_Comm comm) { return MPI_Ibarrier(comm, &one.request); });
  finish_begun();
}

}  // namespace charrnn
