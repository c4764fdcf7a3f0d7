// What tests under mpirun share.
#pragma once

#include "dist/mpi_session.hpp"

namespace charrnn::test {

/// The session of the running test program.
const MpiSession& mpi();

}  // namespace charrnn::test
