#include "models/torch/torch_runtime.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <cstdlib>

#include "base/instruction_set.hpp"
#include "base/memory.hpp"
#include "base/thread_team.hpp"

namespace charrnn {

void prepare_torch() {
  if (instruction_set() < InstructionSet::kAvx2) at::set_num_threads(1);
  round_products_to_tf32(false);
}

void configure_torch(int threads, bool deterministic) {
  if (deterministic) {
    // cuBLAS needs a fixed workspace for it (its documentation, "Results reproducibility"), and NCCL's sums
    // in the network switch depend on who comes first. A user's own values win.
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:2", 0);
    setenv("NCCL_ALGO", "^NVLS,NVLSTree", 0);
    at::globalContext().setDeterministicCuDNN(true);
    at::globalContext().setBenchmarkCuDNN(false);
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
    // Filling fresh memory with NaN finds bugs, but costs a pass over all of it.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  }
  // What the program calls fp32 is fp32 on GPUs too; cuDNN's recurrent layers round to TF32 unless told not
  // to, cuBLAS where the environment says so.
  round_products_to_tf32(false);
  // LibTorch has two pools of threads, and where the system refuses one of these it ends the process or waits for ever.
  if (threads > 1) const ThreadTeam as_many(2 * threads);
  at::set_num_threads(threads);
  keep_freed_memory();  // autograd frees and allocates the same large blocks every step
}

void round_products_to_tf32(bool on) {
  at::globalContext().setAllowTF32CuDNN(on);
  at::globalContext().setAllowTF32CuBLAS(on);
}

}  // namespace charrnn
