// A command that runs on all ranks, and how it ends.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/stop_signals.hpp"
#include "base/error.hpp"
#include "config/given_options.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/mpi_session.hpp"
#include "report/progress_line.hpp"

namespace charrnn {

/// What the ranks share from start to end.
struct Job {
  StopSignals signals;  ///< from before MPI starts, so that none is lost
  MpiSession mpi;
  MpiCommunicator control;   ///< for everything but gradients
  MpiCommunicator farewell;  ///< only for agreeing on how to end after an error

  Job();
  /// Says how this process is going to end, so that it does even if MPI_Finalize waits in vain. Returns the code.
  ExitCode ends_with(ExitCode code);
};

/// Starts MPI, refuses a launch that went wrong, runs `work` and ends MPI. Whatever `work` throws becomes an exit code
/// and one line on standard error, printed once if all ranks have the same error; an error in an option from the config
/// file of `sources` is shown with its place there. `remedy` is what helps where memory is short (models/as_error.hpp).
/// If other ranks cannot be reached any more, the whole job is aborted.
ExitCode run_job(const std::function<ExitCode(Job&)>& work, const char* remedy, const ConfigSources* sources = nullptr);

/// Work of a job that has no screen of its own: how far it is on standard error, and the signals that stop it.
class JobActivity final : public Activity {
 public:
  explicit JobActivity(Job& job) : job_(job) {}
  void on_work(std::string_view what, std::int64_t done, std::int64_t total) override {
    if (job_.mpi.rank() == 0) work_.on_work(what, done, total);
  }
  bool wants_stop() override { return job_.signals.received(); }
  /// Takes the line from the terminal.
  void clear() { line_.clear(); }

 private:
  Job& job_;
  ProgressLine line_{stderr};
  WorkLine work_{line_};
};

/// Rank that the launcher gave this process, known before MPI starts; 0 without a launcher.
int launched_rank();

}  // namespace charrnn
