// MPI from the start of the process to its end.
#pragma once

namespace charrnn {

class MpiSession {
 public:
  /// Starts MPI. One at a time, and only one in a process's life.
  MpiSession();
  /// Ends MPI; waits for the other ranks.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int local_rank() const { return local_rank_; }  ///< among the ranks of this node
  int local_size() const { return local_size_; }

  /// Ends all ranks of the job with this exit code, whether or not they still answer.
  [[noreturn]] static void abort(int code);

 private:
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
};

}  // namespace charrnn
