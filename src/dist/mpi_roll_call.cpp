#include "dist/mpi_roll_call.hpp"

namespace charrnn {

MpiRollCall::MpiRollCall(MPI_Comm comm) : comm_(comm) {
  int size = 1;
  MPI_Comm_rank(comm, &rank_);
  MPI_Comm_size(comm, &size);
  is_heard_.resize(static_cast<std::size_t>(size));
}

// Whether a message arrives is what the roll call is to find out, so nobody waits for one that was sent.
void MpiRollCall::send(int to, Tag tag) const {
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Isend(nullptr, 0, MPI_BYTE, to, tag, comm_, &request) == MPI_SUCCESS) MPI_Request_free(&request);
}

int MpiRollCall::take(Tag tag) const {
  int is_there = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  const bool is_known = MPI_Improbe(MPI_ANY_SOURCE, tag, comm_, &is_there, &message, &status) == MPI_SUCCESS;
  if (!is_known || is_there == 0) return -1;
  // The message has been taken out already: unlike MPI_Recv, this cannot wait.
  return MPI_Mrecv(nullptr, 0, MPI_BYTE, &message, &status) == MPI_SUCCESS ? status.MPI_SOURCE : -1;
}

void MpiRollCall::answer() {
  for (int who = take(kQuestion); who >= 0; who = take(kQuestion)) send(who, kAnswer);
}

void MpiRollCall::ask() {
  while (take(kAnswer) >= 0) continue;  // to an earlier question, of a wait that ended well after all
  is_heard_.assign(is_heard_.size(), false);
  is_heard_[static_cast<std::size_t>(rank_)] = true;
  for (int other = 0; other < static_cast<int>(is_heard_.size()); ++other) {
    if (other != rank_) send(other, kQuestion);
  }
}

std::vector<int> MpiRollCall::silent() {
  for (int who = take(kAnswer); who >= 0; who = take(kAnswer)) is_heard_[static_cast<std::size_t>(who)] = true;
  std::vector<int> missing;
  for (std::size_t rank = 0; rank < is_heard_.size(); ++rank) {
    if (!is_heard_[rank]) missing.push_back(static_cast<int>(rank));
  }
  return missing;
}

}  // namespace charrnn
