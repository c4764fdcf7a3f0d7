// A command that runs on all ranks, and how it ends.
#pragma once

#include <functional>

#include "base/error.hpp"
#include "config/given_options.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/mpi_session.hpp"

namespace charrnn {

/// What the ranks share from start to end.
struct Job {
  MpiSession mpi;
  MpiCommunicator control;   ///< for everything but gradients
  MpiCommunicator farewell;  ///< only for agreeing on how to end after an error

  Job();
};

/// Starts MPI, refuses a launch that went wrong, runs `work` and ends MPI. Whatever `work` throws becomes an exit code and
/// one line on standard error, printed once if all ranks have the same error; an error in an option from the config file
/// of `sources` is shown with its place there. If other ranks cannot be reached any more, the whole job is aborted.
ExitCode run_job(const std::function<ExitCode(Job&)>& work, const ConfigSources* sources = nullptr);

/// Rank that the launcher gave this process, known before MPI starts; 0 without a launcher.
int launched_rank();

}  // namespace charrnn
