// A command that runs on all ranks at once, and the one way out of it.
#pragma once

#include <functional>

#include "base/error.hpp"
#include "config/config_sources.hpp"
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

/// Starts MPI, refuses a launch that went wrong, runs `work` and ends MPI. An error in an option is shown with its place
/// in the config file of `sources`. Whatever `work` throws becomes one
/// line on standard error, from one rank where all have the same to say, and an exit code. If the other ranks
/// can't be reached any more the whole job is aborted with that code.
ExitCode run_job(const std::function<ExitCode(Job&)>& work, const ConfigSources* sources = nullptr);

/// Rank that the launcher gave this process, known before MPI starts; 0 without a launcher.
int launched_rank();

}  // namespace charrnn
