// What sums the gradients of an MPI job's ranks.
#pragma once

#include <memory>
#include <string>

#include "base/device.hpp"
#include "dist/communicator.hpp"
#include "dist/mpi_session.hpp"

namespace charrnn {

/// As ControlCommunicator::make_gradient_communicator(), for the ranks of `session`. Collective over `control`.
std::unique_ptr<Communicator> make_gradient_communicator(const std::string& kind, Device device,
                                                         const MpiSession& session, Communicator& control,
                                                         Seconds timeout);

}  // namespace charrnn
