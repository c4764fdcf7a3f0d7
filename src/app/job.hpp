// A command that runs on all ranks, and how it ends.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "config/given_options.hpp"
#include "data/text_source.hpp"
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
/// of `sources` is shown with its place there. `remedy` is what helps where memory is short (app/failure.hpp). If other ranks
/// cannot be reached any more, the whole job is aborted.
ExitCode run_job(const std::function<ExitCode(Job&)>& work, const char* remedy, const ConfigSources* sources = nullptr);

/// Collective. The text of this file; an error on one rank is one on all.
std::unique_ptr<TextSource> open_text_on_all(const std::string& path, Job& job);

/// Rank that the launcher gave this process, known before MPI starts; 0 without a launcher.
int launched_rank();

}  // namespace charrnn
