// The roll call over MPI: empty messages from rank to rank.
#pragma once

#include <mpi.h>

#include <vector>

#include "dist/roll_call.hpp"

namespace charrnn {

class MpiRollCall final : public RollCall {
 public:
  /// `comm` must return errors as codes and carry nothing else from rank to rank; collectives do not matter.
  explicit MpiRollCall(MPI_Comm comm);

  void answer() override;
  void ask() override;
  std::vector<int> silent() override;

 private:
  enum Tag : int { kQuestion = 1, kAnswer = 2 };

  void send(int to, Tag tag) const;
  /// The sender of the next message of this kind, which is taken; -1 if there is none.
  int take(Tag tag) const;

  MPI_Comm comm_;
  int rank_ = 0;
  std::vector<bool> is_heard_;
};

}  // namespace charrnn
