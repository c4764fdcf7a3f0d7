#include "app/job.hpp"

#include <array>
#include <cstdlib>
#include <string>

#include "app/messages.hpp"
#include "base/activity.hpp"
#include "base/memory.hpp"
#include "dist/agreement.hpp"
#include "dist/launcher.hpp"
#include "models/as_error.hpp"

namespace charrnn {

namespace {

constexpr Seconds kStartTimeout{60};  // until the config has said how long to wait
constexpr Seconds kFarewellTimeout{5};
constexpr std::size_t kForMpi = std::size_t{256} << 20;  // address space, most of it never used

/// Collective over all ranks, each of which has an error. Whether this one should print: if rank 0 does, it speaks for
/// all. CommError if a rank does not come.
bool speaks(Job& job, bool has_something_to_say) {
  std::array<double, 1> root_speaks{job.mpi.rank() == 0 && has_something_to_say ? 1.0 : 0.0};
  job.farewell.all_reduce_sum(root_speaks);
  return has_something_to_say && (job.mpi.rank() == 0 || root_speaks[0] == 0);
}

/// How a rank with an error ends: together with the others if they have one, too, and by ending them if they do not
/// come.
ExitCode end_together(Job& job, ExitCode code, bool has_something_to_say, const std::function<void()>& say) {
  try {
    if (speaks(job, has_something_to_say)) say();
  } catch (const CommError&) {
    say();
    job.mpi.abort(static_cast<int>(code));
  }
  return job.ends_with(code);
}

}  // namespace

Job::Job() : control(mpi, kStartTimeout), farewell(mpi, kStartTimeout) {
  farewell.set_timeout(kFarewellTimeout);
  signals.has_started();
}

ExitCode Job::ends_with(ExitCode code) {
  mpi.set_last_resort(static_cast<int>(code), control.timeout().count());
  return code;
}

ExitCode run_job(const std::function<ExitCode(Job&)>& work, const char* remedy, const ConfigSources* sources) {
  const Environment environment = [](const char* name) { return std::getenv(name); };
  check_before_mpi(environment);
  require_memory(kForMpi);
  Job job;
  try {
    check_launcher(job.mpi.size(), environment);
    return job.ends_with(work(job));
  } catch (const CommError& error) {
    print_error(error.what());
    if (error.exit_at_once()) std::_Exit(static_cast<int>(error.code()));  // mpirun and srun end the others
    job.mpi.abort(static_cast<int>(error.code()));
  } catch (const Error& error) {
    const std::string message = sources != nullptr ? sources->located(error) : error.what();
    const bool is_remote = dynamic_cast<const RemoteError*>(&error) != nullptr;
    const bool is_stop = dynamic_cast<const Interrupted*>(&error) != nullptr;
    const auto print = is_stop ? tell_on_stderr : print_error;
    return end_together(job, error.code(), !is_remote, [&] { print(message); });
  } catch (const std::exception& exception) {
    const Error error = as_error(exception, remedy);
    if (error.code() == ExitCode::kUsage) {
      return end_together(job, error.code(), true, [&] { print_error(error.what()); });
    }
    // A GPU that fails takes its libraries with it, and after a bug nobody knows what works: no farewell.
    print_error(fmt::format("rank {}: {}", job.mpi.rank(), error.what()));
    job.mpi.abort(static_cast<int>(error.code()));
  }
}

int launched_rank() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}) {
    if (const char* value = std::getenv(name)) return std::atoi(value);
  }
  return 0;
}

}  // namespace charrnn
