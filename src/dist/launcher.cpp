#include "dist/launcher.hpp"

#include <cstdlib>

#include "base/error.hpp"

namespace charrnn {

namespace {

constexpr const char* kUsePmix = "start it with `srun --mpi=pmix`, and an Open MPI that was built with PMIx";
constexpr const char* kUseItsMpirun = "use the mpirun of the Open MPI that this program was built with";

struct Launcher {
  const char* variable;  ///< says how many tasks it started
  const char* name;
  const char* remedy;
};

// The nearest first: mpirun inside an srun step has the variables of both. SLURM_NTASKS is not among them: a batch script
// has it too, and may well start the program alone.
constexpr Launcher kLaunchers[] = {
    {"OMPI_COMM_WORLD_SIZE", "mpirun", kUseItsMpirun},
    {"SLURM_STEP_NUM_TASKS", "srun", kUsePmix},
    {"PMI_SIZE", "an MPICH mpiexec", kUseItsMpirun},
    {"MPI_LOCALNRANKS", "an MPICH mpiexec", kUseItsMpirun},
};

}  // namespace

std::string launcher_name(const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    if (environment(launcher.variable) != nullptr) return launcher.name;
  }
  return "";
}

void check_launcher(int world_size, const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    const char* value = environment(launcher.variable);
    if (value == nullptr) continue;
    const int tasks = std::atoi(value);
    // More ranks than tasks are fine: mpirun inside an srun step of one task.
    require<UsageError>(world_size >= tasks,
                        "{} started {} tasks ({}), but MPI sees a world of {}: the ranks would train alone, side by "
                        "side; {}",
                        launcher.name, tasks, launcher.variable, world_size, launcher.remedy);
  }
}

void check_before_mpi(const Environment& environment) {
  const char* tasks = environment("SLURM_STEP_NUM_TASKS");
  // Inside the step, mpirun brings its own PMIx.
  const bool has_pmix = environment("PMIX_NAMESPACE") != nullptr || environment("OMPI_COMM_WORLD_SIZE") != nullptr;
  require<UsageError>(tasks == nullptr || has_pmix,
                      "srun started {} task(s) without PMIx: the ranks cannot find each other; {}",
                      tasks != nullptr ? tasks : "", kUsePmix);
}

}  // namespace charrnn
