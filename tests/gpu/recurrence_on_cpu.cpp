#include "gpu/recurrence_on_cpu.hpp"

#include <algorithm>
#include <cmath>

#include "gpu/cuda_on_cpu.hpp"
#include "models/torch/gpu_stream.hpp"
// After the stand-in for CUDA.
#include "models/cuda/recurrence_kernels.cuh"

namespace charrnn {

namespace {

template <class Work>
void launch(void (*kernel)(Work), std::int64_t shared_bytes, const Work& work) {
  const auto tiles = static_cast<unsigned>(work.shape.columns / kRecurrenceTile);
  cuda_on_cpu::launch({static_cast<unsigned>(work.shape.hidden / kRecurrenceTile), std::min(tiles, on_cpu.groups)},
                      kThreads, static_cast<std::size_t>(shared_bytes), on_cpu.seed, [&] { kernel(work); });
}

template <RecurrentCell cell>
void run(const RecurrenceForward& work) {
  launch(recurrence_forward<cell>, forward_bytes(cell, work.shape.hidden), work);
}
template <RecurrentCell cell>
void run(const RecurrenceBackward& work) {
  launch(recurrence_backward<cell>, backward_bytes(cell, work.shape.hidden), work);
}

template <class Work>
void run_cell(RecurrentCell cell, const Work& work) {
  if (cell == RecurrentCell::kRnn) run<RecurrentCell::kRnn>(work);
  if (cell == RecurrentCell::kGru) run<RecurrentCell::kGru>(work);
  if (cell == RecurrentCell::kLstm) run<RecurrentCell::kLstm>(work);
}

}  // namespace

void enqueue_recurrence(RecurrentCell cell, const RecurrenceForward& work, void* /*stream*/) {
  run_cell(cell, work);
}
void enqueue_recurrence(RecurrentCell cell, const RecurrenceBackward& work, void* /*stream*/) {
  run_cell(cell, work);
}

void* gpu_stream() {
  return nullptr;
}

}  // namespace charrnn
