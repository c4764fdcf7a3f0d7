// Whether the launcher and MPI agree on how many ranks there are.
#pragma once

#include <functional>

namespace charrnn {

/// A variable of the environment, or null.
using Environment = std::function<const char*(const char*)>;

/// UsageError, saying why and how to mend it, if a launcher started several tasks but MPI sees a world of
/// another size. The usual case: srun or another MPI's mpirun starts N programs that each believe to be
/// alone, and N trainings would write into one folder.
void check_launcher(int world_size, const Environment& environment);

/// The same before MPI starts, for a start that Open MPI would end with a page of text: under srun without
/// PMIx.
void check_before_mpi(const Environment& environment);

}  // namespace charrnn
