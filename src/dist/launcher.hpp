// What started the ranks, and whether it and MPI agree on how many there are.
#pragma once

#include <functional>
#include <string>

namespace charrnn {

/// A variable of the environment, or null.
using Environment = std::function<const char*(const char*)>;

/// "mpirun", "srun", "an MPICH mpiexec"; empty for a process that was started alone.
std::string launcher_name(const Environment& environment);

/// UsageError, saying why and how to fix it, if a launcher started more tasks than MPI sees ranks. The usual case: srun
/// or another MPI's mpirun starts N programs, each of which believes that it is alone, and N trainings would write into
/// one folder.
void check_launcher(int world_size, const Environment& environment);

/// The same before MPI starts, for a start that Open MPI would end with a page of text: under srun without
/// PMIx.
void check_before_mpi(const Environment& environment);

}  // namespace charrnn
