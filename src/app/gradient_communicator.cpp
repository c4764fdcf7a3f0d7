#include "app/gradient_communicator.hpp"

namespace charrnn {

GradientCommunicator::GradientCommunicator(const std::string&, Device, Job& job, Seconds timeout)
    : communicator_(std::make_unique<MpiCommunicator>(job.mpi, timeout)) {}

}  // namespace charrnn
