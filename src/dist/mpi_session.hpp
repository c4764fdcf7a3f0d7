// MPI from the start of the process to its end.
#pragma once

namespace charrnn {

class MpiSession {
 public:
  /// Starts MPI. One at a time, and only one in a process's life.
  MpiSession();
  /// Ends MPI, which waits for the other ranks; if they do not come, ends the process as set_last_resort() says.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int local_rank() const { return local_rank_; }  ///< among the ranks of this node
  int local_size() const { return local_size_; }

  /// With which exit code the process shall end should MPI not let it, and after how many seconds.
  void set_last_resort(int exit_code, double seconds) {
    exit_code_ = exit_code;
    patience_ = seconds;
  }

  /// Ends all ranks of the job with this exit code, whether or not they still answer.
  [[noreturn]] static void abort(int code);

 private:
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
  int exit_code_ = 75;  // nobody knows how it went: resumable
  double patience_ = 60;
};

}  // namespace charrnn
