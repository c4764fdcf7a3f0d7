#include "models/cuda/device.hpp"
#include "models/cuda/recurrence_kernels.cuh"
#include "models/cuda/recurrence_kernels.hpp"

namespace charrnn {

namespace {

template <class Kernel>
const void* address(Kernel* kernel) {
  return reinterpret_cast<const void*>(kernel);
}

}  // namespace

const void* forward_kernel(RecurrentCell cell) {
  switch (cell) {
    case RecurrentCell::kRnn:
      return address(recurrence_forward<RecurrentCell::kRnn>);
    case RecurrentCell::kGru:
      return address(recurrence_forward<RecurrentCell::kGru>);
    case RecurrentCell::kLstm:
      break;
  }
  return address(recurrence_forward<RecurrentCell::kLstm>);
}

const void* backward_kernel(RecurrentCell cell) {
  switch (cell) {
    case RecurrentCell::kRnn:
      return address(recurrence_backward<RecurrentCell::kRnn>);
    case RecurrentCell::kGru:
      return address(recurrence_backward<RecurrentCell::kGru>);
    case RecurrentCell::kLstm:
      break;
  }
  return address(recurrence_backward<RecurrentCell::kLstm>);
}

}  // namespace charrnn
